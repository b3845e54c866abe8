# Chained comparisons evaluate each operand once and stop at the first false one.
calls = []


def val(n):
    calls.append(n)
    return n


print(val(1) < val(2) < val(3), calls)
calls.clear()
print(val(3) < val(2) < val(1), calls)
calls.clear()
print(val(1) < val(3) > val(2) == val(2) != val(5), calls)
calls.clear()
print(val(1) <= val(1) <= val(0) <= val(9), calls)

x = 5
print(0 < x < 10, 0 < x < 5, 1 < 2 < 3 < 4 < x, x == 5 == 5.0, 10 > x > 4 > 3)
print(1 in [1, 2] == True, (1 in [1, 2]) == True, not x in [1], x not in [1, 2])
print("a" < "b" < "c", "abc" < "abd", "Z" < "a", "" < "a", "abc" < "abcd", "10" < "9")
print([1, 2] < [1, 3], [1, 2] < [1, 2, 0], [] < [0], (1, "b") < (1, "c"), (2,) > (1, 9))
print([1, 2] == [1.0, 2.0], (1, 2) == [1, 2], "1" == 1, None == 0, {} == [], b"a" == "a")
print({"a": 1, "b": 2} == {"b": 2, "a": 1}, {"a": 1} != {"a": 2}, range(3) == range(0, 3, 1))
for left, right in [(1, "a"), ([], ()), (None, 1), ({}, {})]:
    try:
        print(left < right)
    except TypeError as error:
        print(error)
