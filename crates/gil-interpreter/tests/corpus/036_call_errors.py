# The messages of calls with the wrong arguments.
def none():
    return 0


def two(a, b):
    return a + b


def three(a, b, c=0):
    return a + b + c


def kwonly(a, *, k, m):
    return a


number = 5
text = "text"
nothing = None
numbers = [1]


class Thing:
    def method(self, x):
        return x


def attempt(label, action):
    try:
        print(label, action())
    except TypeError as error:
        print(label, error)


attempt("too many 0", lambda: none(1))
attempt("too many 2", lambda: two(1, 2, 3))
attempt("too few 1", lambda: two(1))
attempt("too few 2", lambda: two())
attempt("three", lambda: three())
attempt("too many 3", lambda: three(1, 2, 3, 4))
attempt("unknown", lambda: two(1, 2, z=3))
attempt("twice", lambda: two(1, 2, a=3))
attempt("kwonly", lambda: kwonly(1))
attempt("kwonly one", lambda: kwonly(1, k=2))
attempt("kwonly many", lambda: kwonly(1, 2, k=2, m=3))
attempt("method", lambda: Thing().method())
attempt("method many", lambda: Thing().method(1, 2))
attempt("class", lambda: Thing(1))
attempt("int", lambda: number())
attempt("str", lambda: text())
attempt("None", lambda: nothing())
attempt("list", lambda: numbers(0))
attempt("len", lambda: len())
attempt("len 2", lambda: len([], []))
attempt("len int", lambda: len(5))
attempt("abs", lambda: abs("x"))
attempt("iter", lambda: [v for v in 5])
attempt("int()", lambda: int([]))
attempt("ord", lambda: ord("ab"))
attempt("sum", lambda: sum(["a"]))
attempt("range", lambda: range("5"))
