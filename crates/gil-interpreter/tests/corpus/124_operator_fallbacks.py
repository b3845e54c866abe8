# NotImplemented, reflected methods, subclass priority, in-place fallbacks.
log = []


class A:
    def __init__(self, name):
        self.name = name

    def __add__(self, other):
        log.append(f"{self.name}.add")
        return NotImplemented if other is None else f"{self.name}+"

    def __radd__(self, other):
        log.append(f"{self.name}.radd")
        return f"+{self.name}"

    def __lt__(self, other):
        log.append(f"{self.name}.lt")
        return NotImplemented

    def __gt__(self, other):
        log.append(f"{self.name}.gt")
        return True

    def __eq__(self, other):
        log.append(f"{self.name}.eq")
        return NotImplemented


class B(A):
    def __radd__(self, other):
        log.append(f"{self.name}.B-radd")
        return "B first"


class C:
    def __init__(self):
        self.total = 0

    def __iadd__(self, other):
        self.total += other
        return self

    def __isub__(self, other):
        return NotImplemented

    def __sub__(self, other):
        return "sub " + str(other)

    def __imul__(self, other):
        return "replaced"


def show(label, value):
    print(label, value, log)
    log.clear()


a, a2, b = A("a"), A("a2"), B("b")
show("a + 1", a + 1)
show("1 + a", 1 + a)
show("a + a2", a + a2)
show("a + b", a + b)
show("b + a", b + a)
show("a < a2", a < a2)
show("a == a2", a == a2)
show("a != a2", a != a2)
show("a == 5", a == 5)
for action in [lambda: a + None, lambda: None + C(), lambda: a <= a2, lambda: C() * 2, lambda: C() // 2]:
    try:
        show("value", action())
    except TypeError as error:
        show("TypeError", error)
c = original = C()
c += 5
c += 6
print(c is original, c.total)
c -= 3
print(c)
c = C()
c *= 2
print(c)
