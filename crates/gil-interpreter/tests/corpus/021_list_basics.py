# Building, indexing, slicing and changing lists.
a = [1, 2, 3, 4, 5]
print(a[0], a[-1], a[1:3], a[:2], a[3:], a[:], a[::2], a[::-1], a[-2:], a[4:1:-1], a[10:], a[-10:2])
a[0] = 10
a[-1] = 50
print(a, len(a), 3 in a, 99 in a, a + [6], [0] * 4, 2 * [1, 2], [] + [], a == a[:], a is a[:])
a[1:3] = ["x", "y", "z"]
print(a)
a[1:4] = []
print(a)
a[1:1] = [7, 8]
print(a)
a[::2] = [0, 0, 0] if len(a) in (5, 6) else a[::2]
print(a)
a[len(a):] = [100]
print(a)
del a[0]
del a[-1]
print(a)
del a[1:3]
print(a)
b = list(range(10))
del b[::3]
print(b)
nested = [[0] * 3 for _ in range(2)]
shared = [[0] * 3] * 2
nested[0][1] = 5
shared[0][1] = 5
print(nested, shared, nested[0] is nested[1], shared[0] is shared[1])
c = d = [1]
c += [2]
print(c, d, c is d)
c = c + [3]
print(c, d, c is d)
print([[]], [None, True, 1.5, "s", (1,), {"k": []}], list("abc"), list((1, 2)), list({"k": 1}), list(b"ab"))
for bad in [10, -11]:
    try:
        b[bad]
    except IndexError as error:
        print(error)
try:
    b[20] = 1
except IndexError as error:
    print(error)
try:
    b["x"]
except TypeError as error:
    print(error)
e = [1, 2]
e.append(e)
print(e)
