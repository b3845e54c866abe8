# Augmented assignment on names, items, attributes and slices.
n = 7
n += 3
n -= 1
n *= 4
n //= 5
n **= 2
n %= 30
n <<= 3
n >>= 1
n |= 3
n &= 0x7E
n ^= 5
print(n)
f = 10
f /= 4
print(f)
s = "ab"
s += "cd"
s *= 2
print(s)
t = (1,)
t += (2, 3)
t *= 2
print(t)
a = [1, 2]
alias = a
a += (3, 4)
a *= 2
print(a, alias is a)
a[0] += 100
a[-1] -= 1
a[1:3] += [9]
print(a)
d = {"x": 1}
d["x"] += 5
d["x"] *= 2
print(d)


class Box:
    count = 10

    def __init__(self):
        self.items = []


box = Box()
box.count += 1
box.items += [1]
Box.count += 100
print(box.count, Box.count, box.items)
calls = []


def index():
    calls.append("index")
    return 0


a[index()] += 1
print(a[0], calls)


class Vec:
    def __init__(self, x):
        self.x = x

    def __iadd__(self, other):
        self.x += other.x
        return self

    def __sub__(self, other):
        return Vec(self.x - other.x)


v = w = Vec(1)
v += Vec(2)
print(v.x, w.x, v is w)
v -= Vec(5)
print(v.x, w.x, v is w)
try:
    undefined_name += 1
except NameError as error:
    print(error)
