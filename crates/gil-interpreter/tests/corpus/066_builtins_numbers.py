# The numeric built-in functions.
print(abs(-3), abs(-2.5), abs(True), divmod(17, 5), divmod(-17, 5), divmod(17.5, 5), pow(2, 3), round(2.567, 1))
print(min(3, 1, 2), max([3, 1, 2]), min("hello"), max("a", "b"), min([2, 1.5], key=lambda v: -v), max([1, 5, 5.0]), min([], default=0))
print(sum([1, 2, 3]), sum([1, 2], 10), sum([0.5, 1]), sum([[1], [2]], []), sum(range(10)), sum({1: 2, 3: 4}), sum((), 5), sum([True, True], start=1))
print(int(), int("12"), int(12.9), int("-0b101", 2), int(True), float(), float("1.5"), float(2), bool(), bool("x"), str(), str(5), bytes(2))
print(chr(97), ord("a"), hex(26), oct(9), bin(5), hex(-1), chr(0x1F600), ord("é"))
print(isinstance(1, int), isinstance(1, (str, int)), isinstance(True, int), isinstance(1.0, int), isinstance("s", str), isinstance([], (list, dict)))
print(type(1), type(1.0), type("s"), type([]), type({}), type(()), type(None), type(True), type(b""), type(range(1)))
print(type(1) is int, type(1) == type(2), type("a") == str, type(int) is type, type(ValueError()) is ValueError)
print(len("abc"), len([1]), len({1: 2}), len((1, 2)), len(range(7)), len(b"ab"))
print(callable(print), callable(3), id(print) == id(print), id([]) == id(None), hash("a") == hash("a"), hash(1) == hash(1.0), hash(5))
x = [1]
y = x
print(id(x) == id(y), id(x) == id([1]))
for bad in [lambda: int("12", 1), lambda: int(None), lambda: float([]), lambda: chr("a"), lambda: ord(5), lambda: abs(None), lambda: hash([]), lambda: isinstance(1, 5), lambda: divmod(1, 0), lambda: round("a"), lambda: min(1, "a"), lambda: sum("ab")]:
    try:
        print(bad())
    except (TypeError, ValueError, ZeroDivisionError) as error:
        print(type(error).__name__, str(error)[:40])
