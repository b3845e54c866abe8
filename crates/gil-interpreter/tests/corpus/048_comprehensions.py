# List and dict comprehensions: nesting, conditions, scope.
print([x * x for x in range(6)], [x for x in range(20) if x % 3 == 0 if x % 2], [c.upper() for c in "abc"])
print([(x, y) for x in range(3) for y in "ab"], [(x, y) for x in range(4) for y in range(x) if (x + y) % 2])
print({k: len(k) for k in ["a", "bb", "ccc"]}, {x: y for x, y in [(1, 2), (1, 3)]}, {i: [j for j in range(i)] for i in range(4)})
matrix = [[1, 2, 3], [4, 5, 6]]
print([[row[i] for row in matrix] for i in range(3)], [v for row in matrix for v in row], [sum(row) for row in matrix])
print([x if x > 2 else -x for x in range(5)], [a + b for a, b in zip([1, 2], [3, 4])], [y for x in [1, 2] for y in [x, x * 10]])
x = "outer"
result = [x for x in range(3)]
print(x, result)


def scale(values, factor):
    return [v * factor for v in values]


print(scale([1, 2, 3], 5))


def make_table(n):
    return {row: {col: row * col for col in range(1, n + 1)} for row in range(1, n + 1)}


print(make_table(3))


class Holder:
    size = 3
    values = [i for i in range(size)]


print(Holder.values)
adders = {n: (lambda m, n=n: m + n) for n in range(3)}
print([adders[k](10) for k in adders])
primes = [n for n in range(2, 50) if all([n % d for d in range(2, int(n ** 0.5) + 1)])]
print(primes)
triples = [(a, b, c) for c in range(1, 21) for b in range(1, c) for a in range(1, b) if a * a + b * b == c * c]
print(triples)
words = "the cat sat on the mat the end".split()
print({w: words.count(w) for w in words})
print([i for i, w in enumerate(words) if w == "the"], [[]] + [[i] for i in range(2)])
try:
    [1 // v for v in [2, 1, 0]]
except ZeroDivisionError as error:
    print(error)
print([(first, rest) for first, *rest in ["abc", "d"]])
