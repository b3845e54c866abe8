# Slice assignment and deletion with steps.
a = list(range(10))
a[2:5] = ["a"]
print(a)
a[2:3] = [2, 3, 4]
print(a)
a[::3] = ["x", "y", "z", "w"]
print(a)
a[-3:] = "end"
print(a)
a[:0] = [None]
print(a)
del a[1::2]
print(a)
a[:] = [1, 2, 3]
print(a)
a[1:2] = a
print(a)
a[5:100] = [9]
print(a)
a[2:1] = ["between"]
print(a)
print(a[1::2], "abcdef"[1::2], (1, 2, 3, 4)[1::2], b"abcd"[1::2])
for text, spec in [("ext", [1, 2, 3]), ("int", 5)]:
    try:
        a[::2] = spec
    except (ValueError, TypeError) as error:
        print(type(error).__name__, text)
try:
    "abc"[::0]
except ValueError as error:
    print(error)
try:
    [1]["a":"b"]
except TypeError as error:
    print(error)
n = 7
print("abcdefghij"[n // 2:n], "abcdefghij"[-n:-1:2], [0, 1, 2, 3][True:], "abc"[None:None], "abcdef"[10:0:-1], "abcdef"[-1:-7:-1])
matrix = [[r * 4 + c for c in range(4)] for r in range(4)]
print([row[1:3] for row in matrix[1:3]], [matrix[i][i] for i in range(4)], matrix[-1][::-1], [row[-1] for row in matrix][::2])
