# What a builtin that failed was working on does not show up elsewhere, and `+=` asks an instance on the right.
import math


class Counting:
    def __init__(self):
        self.i = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.i += 1
        if self.i > 3:
            raise StopIteration
        try:
            math.prod([10, 20, None])
        except TypeError as error:
            print("prod:", type(error).__name__)
        try:
            sum([[1], 2], [])
        except TypeError as error:
            print("sum:", type(error).__name__)
        try:
            sorted([3, "a", 1])
        except TypeError as error:
            print("sorted:", type(error).__name__)
        return self.i


print(list(Counting()))
a, b, c = Counting()
print(a, b, c)
print(list(zip(Counting(), "xyz")))
print(list(map(lambda x, y: x + y, Counting(), [1, 1, 1])))


class Taker:
    def __init__(self, name):
        self.name = name

    def __iter__(self):
        return iter([self.name])

    def __radd__(self, other):
        return (self.name, other)


items = [1]
items.extend(Taker("t"))
print(items)
items += Taker("u")
print(items)
try:
    {} | {[]: 1}
except TypeError as error:
    print(error)
