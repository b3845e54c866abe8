# The same lines see many types in turn: nothing may be remembered wrongly.
def add(a, b):
    return a + b


def less(a, b):
    return a < b


def item(container, key):
    return container[key]


def size(value):
    return len(value)


class P:
    x = "class"

    def __init__(self, x=None):
        if x is not None:
            self.x = x

    def __add__(self, other):
        return f"P+{other}"

    def __len__(self):
        return 7

    def __getitem__(self, key):
        return f"P[{key}]"

    def __lt__(self, other):
        return "P<"


class Q(P):
    def __len__(self):
        return 8


class R:
    x = 5


for _ in range(3):
    print([add(a, b) for a, b in [(1, 2), (1.5, 2), ("a", "b"), ([1], [2]), ((1,), (2,)), (P(), 3), (True, True), (2, 0.5), (b"a", b"b")]])
    print([less(a, b) for a, b in [(1, 2), (2, 1.5), ("a", "b"), ([1], [0]), (P(), 1), (True, 2)]])
    print([item(c, k) for c, k in [([1, 2], 0), ((3, 4), -1), ("ab", 1), ({"k": 5}, "k"), (P(), 9), (range(5, 9), 2), (b"z", 0), ({1: "one"}, True)]])
    print([size(v) for v in ["abc", [1], (), {1: 1}, P(), Q(), range(3), b"12"]])
objects = [P(), P("instance"), Q("q"), R(), P(0)]
for _ in range(2):
    print([o.x for o in objects])
    P.x = "changed"
    R.x = "R changed"
objects[0].x = "now own"
del objects[1].x
print([o.x for o in objects])


def loop(n, step):
    total = n
    for i in range(5):
        total = total + step
    return total


print(loop(0, 1), loop(0.5, 1), loop("s", "t"), loop([], [1]), loop(0, 0.5), loop(0, True))
count = 0
for value in [1, 2.5, "x", None, True, [], 3]:
    if isinstance(value, bool):
        count += 1000
    elif isinstance(value, int):
        count += value
    elif isinstance(value, float):
        count = count + value
    elif value:
        count += 100
print(count, type(count).__name__)
