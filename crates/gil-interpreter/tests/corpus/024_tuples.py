# Tuples: construction, comparison, immutability, use as keys.
empty = ()
one = (1,)
t = 1, "two", 3.0
print(empty, one, t, len(t), t[0], t[-1], t[1:], t[::-1], t + (4,), one * 3, 3.0 in t)
print(tuple([1, 2]), tuple("ab"), tuple(range(3)), tuple(), (1, 2) == (1, 2), (1, 2) < (1, 3), (1,) < (1, 0))
print(t.count(1), t.index("two"), sum((1, 2, 3)), max((3, 9, 2)), sorted((3, 1)), ((1, 2), (3,)))
print(hash((1, 2)) == hash((1, 2)), {(0, 1): "a", (1, 0): "b"}[(1, 0)], (1, [2]))
grid = {}
for x in range(3):
    for y in range(2):
        grid[x, y] = x * 10 + y
print(grid, grid[2, 1])
try:
    t[0] = 5
except TypeError as error:
    print(error)
try:
    {(1, [2]): 0}
except TypeError as error:
    print(str(error)[:15])
try:
    t.index("none")
except ValueError as error:
    print(error)
try:
    t[9]
except IndexError as error:
    print(error)


def min_max(values):
    return min(values), max(values)


low, high = min_max([4, 8, 1])
print(low, high, min_max("hello"))
holder = ([1], 2)
holder[0].append(5)
print(holder)
try:
    holder[0] += [6]
except TypeError as error:
    print(error, holder)
