# Special methods that return the wrong thing, and objects used where they do not fit.
class Bad:
    def __len__(self):
        return -1

    def __bool__(self):
        return 5

    def __repr__(self):
        return None

    def __iter__(self):
        return 5

    def __index__(self):
        return "x"

    def __hash__(self):
        return "h"

    def __contains__(self, value):
        return [] if value == 1 else "yes"


class Index:
    def __init__(self, n):
        self.n = n

    def __index__(self):
        return self.n


class NoInit:
    def __init__(self):
        return 5


bad = Bad()
pair = [1, 2]
text = "ab"
for action in [
    lambda: len(bad),
    lambda: bool(bad),
    lambda: repr(bad),
    lambda: list(bad),
    lambda: [1, 2][bad],
    lambda: hash(bad),
    lambda: NoInit(),
    lambda: pair[1.0],
    lambda: text["0"],
    lambda: pair[None],
    lambda: {}[[]],
    lambda: range(2)["a"],
    lambda: [1] * 1.5,
    lambda: [1] + "a",
    lambda: "a" + b"a",
    lambda: "a" in 5,
    lambda: 1 in "abc",
    lambda: isinstance(1, "int"),
    lambda: bad.missing(),
    lambda: Bad.missing,
    lambda: int.missing,
]:
    try:
        print("value", action())
    except (TypeError, ValueError, AttributeError) as error:
        print(type(error).__name__, str(error).replace(" (unhashable", ""))
print(1 in bad, 2 in bad, [10, 20, 30][Index(2)], list(range(Index(3))), "abc"[Index(-1)], [0] * Index(2), hex(Index(255)))
print([1, 2, 3][Index(1):], bin(Index(5)), int(Index(7)))
