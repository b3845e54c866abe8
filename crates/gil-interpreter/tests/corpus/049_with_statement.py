# Context managers: order, exceptions, suppression, several items.
class Manager:
    def __init__(self, name, suppress=False):
        self.name = name
        self.suppress = suppress

    def __enter__(self):
        print("enter", self.name)
        return self.name.upper()

    def __exit__(self, kind, value, traceback):
        print("exit", self.name, kind.__name__ if kind else None, value, traceback is not None)
        return self.suppress


with Manager("a") as name:
    print("body", name)
with Manager("b") as x, Manager("c") as y:
    print(x, y)
with (Manager("p") as x, Manager("q")):
    print("parenthesised", x)
with Manager("s", suppress=True):
    raise ValueError("suppressed")
print("after")
try:
    with Manager("outer"):
        with Manager("inner"):
            raise KeyError("through")
except KeyError as error:
    print("caught", error)


def leave():
    for i in range(3):
        with Manager(f"loop {i}"):
            if i == 0:
                continue
            return i


print(leave())
try:
    with Manager("first", suppress=True), Manager("second"):
        1 / 0
    print("suppressed by the first")
except ZeroDivisionError:
    print("not reached")


class FailingExit:
    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        raise RuntimeError("exit failed")


try:
    with FailingExit():
        raise ValueError("body failed")
except RuntimeError as error:
    print(error, "| context:", repr(error.__context__))


class Target:
    pass


target = Target()
with Manager("attr") as target.value:
    print(target.value)
with Manager("tuple") as (a, b, *rest):
    print(a, b, rest)
