# Lambdas, map, filter, zip and friends as arguments.
square = lambda n: n * n
add = lambda a, b=10: a + b
print(square(5), add(1), add(1, 2), add(b=1, a=2), (lambda: 42)(), (lambda a, *, k=3: a * k)(2))
print(list(map(square, range(5))), list(map(add, [1, 2], [3, 4])), list(map(str, [1, None, 2.5])), list(map(lambda a, b: a + b, "abc", "xy")))
print(list(filter(lambda n: n % 2, range(8))), list(filter(None, [0, 1, "", "a", None, []])), list(map(len, ["a", "bb", ""])))
print(list(zip([1, 2, 3], "ab")), list(zip()), list(zip([1], [2], [3])), dict(zip("ab", [1, 2])), list(zip(range(3), range(3, 6))))
print(list(enumerate("ab")), list(enumerate("ab", 5)), list(enumerate([], start=1)), list(reversed([1, 2, 3])), list(reversed("abc")))
print(sorted([3, -1, 2], key=lambda v: -v), max(["aa", "b", "cccc"], key=len), min([3, -7, 2], key=abs), max([], default="none"))


def fold(f, values, start):
    result = start
    for v in values:
        result = f(result, v)
    return result


print(fold(lambda a, b: a * b, [1, 2, 3, 4, 5], 1), fold(lambda a, b: b + a, "hello", ""))
pipeline = [lambda v: v + 1, lambda v: v * 2, str, lambda s: s + "!"]
value = 5
for stage in pipeline:
    value = stage(value)
print(value)
m = map(square, [1, 2, 3])
print(next(m), next(m), list(m), list(m))
operations = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b}
for symbol, operation in operations.items():
    print(8, symbol, 3, "=", operation(8, 3))
curry = lambda a: lambda b: lambda c: (a, b, c)
print(curry(1)(2)(3))
try:
    next(iter([]))
except StopIteration as error:
    print("StopIteration", error.args)
for bad in [lambda: max([]), lambda: min(()), lambda: max(1), lambda: zip(1), lambda: reversed(5)]:
    try:
        bad()
    except (ValueError, TypeError) as error:
        print(type(error).__name__)
