# Positional, keyword, default and keyword-only arguments.
def show(a, b=2, c="three"):
    return f"{a} {b} {c}"


print(show(1), show(1, 5), show(1, c=9), show(b=7, a=0), show(1, 2, 3), show(c="z", b="y", a="x"))


def keyword_only(a, *, flag=False, level):
    return (a, flag, level)


print(keyword_only(1, level=3), keyword_only(a=1, level=2, flag=True))


def remember(value, seen=[]):
    seen.append(value)
    return seen


print(remember(1), remember(2), remember(3, []), remember(4))
base = 10


def add_base(n, offset=base * 2):
    return n + offset


base = 1000
print(add_base(1), add_base(1, base))


def no_return():
    pass


def docstring():
    """Say something."""
    return


print(no_return(), docstring(), docstring.__doc__, docstring.__name__)


def trace(*, order=[]):
    return order


def order(n):
    trace().append(n)
    return n


print(show(order(1), c=order(2), b=order(3)), trace())


def apply(f, n):
    return f(n)


print(apply(abs, -3), apply(str, 5), apply(lambda v: v * v, 7), apply(len, "four"))
print(callable(show), callable(5), callable(int), callable(lambda: 0))
