# Unpacking in assignments and loops, nested and starred targets.
a, b = 1, 2
a, b = b, a
print(a, b)
x, (y, z) = 1, (2, 3)
[p, q] = "pq"
(m), n = [5, 6]
print(x, y, z, p, q, m, n)
first, *rest = [1, 2, 3, 4]
*init, last = "abcd"
head, *middle, tail = range(6)
only, *nothing = [9]
print(first, rest, init, last, head, middle, tail, only, nothing)
(a, *b), c = (1, 2, 3), 4
print(a, b, c)
for i, (k, v) in enumerate([("a", 1), ("b", 2)]):
    print(i, k, v, end="; ")
for first, *rest in [(1, 2, 3), "xy", [7]]:
    print(first, rest, end="; ")
print()
data = [0, 0, 0]
data[0], data[1], index = 5, 6, 2
index, data[index] = 1, 99
print(data, index)
a = b = c = [0]
a.append(1)
print(a, b, c is a)
i = j = 0
i, j = j + 1, i + 2
print(i, j)
k, v = {"key1": 1, "key2": 2}
print(k, v)


def fibonacci(n):
    a, b = 0, 1
    while n > 0:
        a, b, n = b, a + b, n - 1
    return a


print([fibonacci(n) for n in range(12)])
for target in ["few", "many", "star", "none"]:
    try:
        if target == "few":
            a, b, c = 1, 2
        elif target == "many":
            a, b = [1, 2, 3]
        elif target == "star":
            a, b, *c = [1]
        else:
            a, b = 5
    except (ValueError, TypeError) as error:
        print(type(error).__name__, error)
