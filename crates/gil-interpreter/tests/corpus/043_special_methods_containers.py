# __len__, __getitem__, __setitem__, __delitem__, __contains__, __iter__ and __next__.
class Ring:
    def __init__(self, items):
        self.items = list(items)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i % len(self.items)]

    def __setitem__(self, i, value):
        self.items[i % len(self.items)] = value

    def __delitem__(self, i):
        del self.items[i % len(self.items)]

    def __contains__(self, value):
        return "always" == value or value in self.items

    def __repr__(self):
        return f"Ring({self.items})"


r = Ring("abc")
print(len(r), r[0], r[4], r[-1], r[-7], r, "b" in r, "always" in r, "z" in r, bool(r), bool(Ring([])))
r[5] = "C"
del r[3]
print(r)


class Countdown:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return self

    def __next__(self):
        if self.n == 0:
            raise StopIteration
        self.n -= 1
        return self.n + 1


print(list(Countdown(4)), sum(Countdown(5)), [x * x for x in Countdown(3)], 2 in Countdown(3), max(Countdown(9)), tuple(Countdown(2)))
for a in Countdown(2):
    print(a, end=" ")
a, b, c = Countdown(3)
print(a, b, c, dict(zip(Countdown(2), "xy")), sorted(Countdown(3)), ",".join(map(str, Countdown(3))))


class Tree:
    def __init__(self, value, children=()):
        self.value = value
        self.children = children

    def __iter__(self):
        return iter(self.children)

    def total(self):
        return self.value + sum([child.total() for child in self])


print(Tree(1, [Tree(2), Tree(3, [Tree(4)])]).total())


class Old:
    def __getitem__(self, i):
        if i >= 3:
            raise IndexError
        return i * 10


print(list(Old()), 20 in Old(), 25 in Old(), [v for v in Old()])
for bad in [lambda: len(Tree(1)), lambda: Tree(1)[0], lambda: iter(Ring), lambda: 1 in Tree]:
    try:
        bad()
    except TypeError as error:
        print(error)
