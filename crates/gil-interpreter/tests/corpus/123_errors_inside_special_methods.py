# Exceptions that leave __init__, __eq__, __lt__, __len__, __iter__, keys of sort, __enter__ and __exit__.
class Broken:
    def __init__(self, fail=False):
        if fail:
            raise ValueError("init")

    def __eq__(self, other):
        raise RuntimeError("eq")

    def __lt__(self, other):
        raise RuntimeError("lt")

    def __len__(self):
        raise RuntimeError("len")

    def __iter__(self):
        raise RuntimeError("iter")

    def __getitem__(self, i):
        raise KeyError("getitem")

    def __call__(self):
        raise RuntimeError("call")

    def __enter__(self):
        raise RuntimeError("enter")

    def __exit__(self, kind, value, traceback):
        print("never")

    def __str__(self):
        raise RuntimeError("str")

    def __hash__(self):
        raise RuntimeError("hash")


def fail(value):
    raise LookupError(f"key {value}")


def use_with(manager):
    with manager:
        print("never")


b = Broken()
for name, action in [
    ("init", lambda: Broken(True)),
    ("eq", lambda: b == 1),
    ("in", lambda: 5 in [1, b]),
    ("sort", lambda: sorted([b, Broken()])),
    ("key", lambda: sorted([1, 2], key=fail)),
    ("max", lambda: max([1, 2], key=fail)),
    ("map", lambda: list(map(fail, [1]))),
    ("len", lambda: len(b)),
    ("bool", lambda: bool(b)),
    ("iter", lambda: [x for x in b]),
    ("getitem", lambda: b[0]),
    ("call", lambda: b()),
    ("with", lambda: use_with(b)),
    ("str", lambda: str(b)),
    ("fstring", lambda: f"{b}"),
    ("hash", lambda: {b: 1}),
    ("index", lambda: [1, b].index(7)),
]:
    try:
        action()
        print(name, "no error")
    except Exception as error:
        print(name, type(error).__name__, error)
values = [3, 1, 2]
try:
    values.sort(key=fail)
except LookupError:
    print(values)


class HalfWay:
    def __init__(self, limit):
        self.limit = limit

    def __iter__(self):
        return self

    def __next__(self):
        self.limit -= 1
        if self.limit == 0:
            raise OSError("source went away")
        return self.limit


got = []
try:
    for n in HalfWay(4):
        got.append(n)
except OSError as error:
    print(got, error)
