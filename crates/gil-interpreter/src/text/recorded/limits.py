# What would need more memory or more levels than there are: an error each time, and the program goes on.
def t(name, f):
    try:
        r = f()
        print(name, type(r).__name__)
    except BaseException as e:
        print(name, "->", type(e).__name__, str(e)[:70])

big = "x" * 1000000
t("ljust", lambda: "a".ljust(10**12))
t("zfill", lambda: "a".zfill(10**12))
t("center", lambda: "a".center(10**18))
t("format", lambda: format(1, "1000000000000"))
t("format2", lambda: format(1.5, ".1000000000000f"))
t("fstr", lambda: f"{'a':>1000000000000}")
t("percent", lambda: "%1000000000000d" % 5)
t("percent2", lambda: "%.1000000000f" % 5)
t("replace", lambda: big.replace("x", big))
t("join", lambda: big.join([big] * 100000))
t("translate", lambda: big.translate({120: big}))
t("expandtabs", lambda: ("\t" * 100000).expandtabs(10**9))
t("bytes", lambda: b"x".replace(b"x", b"y" * 10))
t("tobytes", lambda: (5).to_bytes(10**13, "big"))
def shared():
    a = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    for i in range(12):
        a = [a] * 10
    return repr(a)
t("shared", shared)
def deep():
    a = []
    for i in range(100000):
        a = [a]
    return repr(a)
t("deep", deep)
def deeptuple():
    a = ()
    for i in range(100000):
        a = (a,)
    return str(a)
t("deeptuple", deeptuple)
def deepdict():
    a = {}
    for i in range(100000):
        a = {1: a}
    return f"{a}"
t("deepdict", deepdict)
def deepexc():
    a = ValueError(1)
    for i in range(100000):
        a = ValueError(a)
    return str(a)
t("deepexc", deepexc)
def deepexcr():
    a = ValueError(1)
    for i in range(100000):
        a = ValueError(a)
    return repr(a)
t("deepexcr", deepexcr)
class R:
    def __repr__(self):
        return repr(self)
t("recursive repr", lambda: repr(R()))
class S:
    def __init__(self):
        self.items = [1, self]
    def __repr__(self):
        return f"S({self.items})"
    def __format__(self, spec):
        return format(self, spec)
print(S().items, S())
t("format rec", lambda: format(S(), "x"))
class T:
    def __str__(self):
        return str(self)
t("str", lambda: str(T()))
def methods():
    f = [].append
    class A:
        def m(self): pass
        def __repr__(self): return repr(self.m)
    return repr(A().m)
t("method", methods)
def grow():
    s = "x"
    while True:
        s = s + s
t("grow", grow)
def grow2():
    a = []
    while True:
        a.append("abc".ljust(1000))
t("grow2", grow2)
def grow3():
    a = [1]
    while True:
        a.extend(a)
t("grow3", grow3)
print("end")
