# range objects: length, indexing, membership, steps.
for r in [range(5), range(2, 5), range(10, 0, -3), range(0), range(5, 2), range(0, 10, 4), range(-3, 3)]:
    print(r, len(r), list(r), bool(r), r == range(5))
r = range(10, 100, 7)
print(r[0], r[-1], r[3], 24 in r, 25 in r, 10.0 in r, "x" in r, r.index(24), r.count(17), r[1:4], list(r[::-2]), r.start, r.stop, r.step)
print(range(0, 10, 3) == range(0, 12, 3), range(0) == range(5, 1), list(reversed(range(4))), sum(range(101)), max(range(5)), sorted(range(3, 0, -1)))
print(list(range(2 ** 62, 2 ** 62 + 3)), len(range(0, 10 ** 15, 10 ** 14)), repr(range(1, 2)), str(range(1, 9, 3)))
total = 0
for i in range(10):
    for j in range(i):
        if (i + j) % 3 == 0:
            continue
        if j > 5:
            break
        total += i * j
print(total)
for i in range(3):
    i = i * 100
    print(i, end=" ")
print(i)
try:
    range(1, 10, 0)
except ValueError as error:
    print(error)
try:
    range(1.5)
except TypeError as error:
    print(error)
try:
    range(3)[5]
except IndexError as error:
    print(error)
