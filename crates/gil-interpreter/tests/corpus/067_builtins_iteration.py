# Iterators by hand: iter, next, zip, enumerate, reversed, slices of them.
it = iter([1, 2, 3])
print(next(it), list(it), next(it, None), iter(it) is it)
z = zip([1, 2, 3], "ab")
print(next(z), next(z), next(z, "end"))
e = enumerate(["x", "y"], 1)
for i, v in e:
    print(i, v, list(e))
print(list(reversed(range(5))), list(reversed((1, 2))), list(reversed({"a": 1, "b": 2})), "".join(reversed("abc")))
print(list(zip(range(2), range(3), range(4))), list(map(max, [1, 5], [3, 2])), list(filter(str.isdigit, ["1", "a", "2"])))
print(any([False, 1]), all({}), any(map(lambda v: v > 2, [1, 2, 3])), all([v for v in [1, 0]]), any(()), all("abc"))
a, b, *c = iter(range(5))
print(a, b, c, list(range(3)))
pairs = iter([1, 2, 3, 4, 5, 6])
print(list(zip(pairs, pairs)), dict(enumerate("ab")), list(dict(a=1).items()), tuple(zip("ab", [1, 2])))
names, ages = [], []
for name, age in zip(["ann", "bob"], [31, 27]):
    names.append(name)
    ages.append(age)
print(names, ages, max(zip(ages, names)), sorted(zip(ages, names)), 3 in iter([1, 2, 3]), list(map(lambda p: p[0], zip("xy", "zw"))))


def chunks(values, size):
    return [values[i:i + size] for i in range(0, len(values), size)]


def pairwise(values):
    return list(zip(values, values[1:]))


print(chunks([1, 2, 3, 4, 5], 2), pairwise("abcd"), list(zip("abc", range(3)))[::-1], type(iter([])).__name__, type(zip()).__name__)
for bad in [lambda: next([1]), lambda: iter(5), lambda: list(5), lambda: dict([1]), lambda: tuple(None), lambda: enumerate(3)]:
    try:
        bad()
    except TypeError as error:
        print(error)
