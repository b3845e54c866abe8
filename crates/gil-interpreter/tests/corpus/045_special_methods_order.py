# __lt__ and relatives, __eq__ and __hash__ pairs, total order by hand.
class Version:
    def __init__(self, text):
        self.parts = [int(p) for p in text.split(".")]

    def __eq__(self, other):
        if not isinstance(other, Version):
            return NotImplemented
        return self.parts == other.parts

    def __lt__(self, other):
        return self.parts < other.parts

    def __le__(self, other):
        return self.parts <= other.parts

    def __repr__(self):
        return "v" + ".".join([str(p) for p in self.parts])


a, b, c = Version("1.2"), Version("1.10"), Version("1.2")
print(a < b, a > b, a <= c, a >= c, a == c, a != b, a == "1.2", sorted([b, a, c]), max(a, b), min([b, c]))
try:
    {a: 1}
except TypeError as error:
    print(error)
try:
    a < 5
except AttributeError as error:
    print(error)


class Loud:
    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        print(f"eq {self.n}")
        return self.n == other.n

    def __hash__(self):
        print(f"hash {self.n}")
        return self.n % 2


d = {Loud(1): "a"}
d[Loud(2)] = "b"
print(d[Loud(1)], Loud(3) in d, len(d))


class Weird:
    def __eq__(self, other):
        return "not a bool"

    def __len__(self):
        return 0


w = Weird()
print(w == 1, w != 1, bool(w), not w, [w] == [1], 1 == w)


class Plain:
    pass


p, q = Plain(), Plain()
print(p == q, p == p, p != q, {p: 1, q: 2}[p], len({p: 1, q: 2}), hash(p) == hash(p))
try:
    p < q
except TypeError as error:
    print(error)
