# What `in`, index, count and == do with identity, nan and mixed types.
nan = float("nan")
values = [nan, 1, True, 1.0, "1", None]
print(nan in values, values.index(nan), values.count(1), values.count("1"), float("nan") in values, [nan] == [nan], nan == nan, (nan,) == (nan,))
print({nan: "n"}[nan], {"k": nan} == {"k": nan}, [1, [2, {"a": (3,)}]] == [1.0, [2.0, {"a": (3.0,)}]], {1: "a"} == {True: "a"}, {"a": [1]} == {"a": [2]})
print(None == 0, None == False, "" == False, [] == (), () == (), 0.0 == -0.0, 1 == True, "a" == "a", b"a" == "a", [] == [])


class Same:
    def __eq__(self, other):
        return True


class Never:
    def __eq__(self, other):
        return False


never = Never()
print(Same() == 5, 5 == Same(), Same() in [1, 2], [never] == [never], never in [never], [never].index(never), never == never, never != never)
a = [1, 2]
b = a
c = [1, 2]
print(a is b, a is c, a == c, a is not c, a[:] is a, a + [] is a, (a, 1)[0] is a)
a += [3]
print(b, c, b is a)
x = 5
y = x
x += 1
print(x, y)


def identity(v):
    return v


print(identity(a) is a, [a][0] is a, {"k": a}["k"] is a, None is identity(None), True is (1 == 1), print is print, len is not print)
method = a.append
print(a.append == a.append, method == a.append, a.append == c.append, identity == identity)
print(min([1, 1.0, True]), max([1, 1.0, True]), sorted(["b", "B", "a", "A"]), [1, 2] != [1, 2, 3], "abc" > "ab", [3] > [2, 9, 9])
print((1, 2, 3) < (1, 2, 4), (1, [2]) < (1, [3]), "" < "a", (0,) > (), [[1], [0, 5]] > [[1], [0, 4, 9]])
