# Arithmetic, comparison and conversion methods, reflected and in place.
class Vec:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __repr__(self):
        return f"Vec({self.x}, {self.y})"

    def __add__(self, other):
        if not isinstance(other, Vec):
            return NotImplemented
        return Vec(self.x + other.x, self.y + other.y)

    def __sub__(self, other):
        return Vec(self.x - other.x, self.y - other.y)

    def __mul__(self, k):
        return Vec(self.x * k, self.y * k)

    def __rmul__(self, k):
        return self * k

    def __neg__(self):
        return Vec(-self.x, -self.y)

    def __abs__(self):
        return (self.x ** 2 + self.y ** 2) ** 0.5

    def __bool__(self):
        return self.x != 0 or self.y != 0

    def __eq__(self, other):
        return isinstance(other, Vec) and self.x == other.x and self.y == other.y

    def __hash__(self):
        return hash((self.x, self.y))

    def __getitem__(self, i):
        return [self.x, self.y][i]

    def __int__(self):
        return int(self.x)

    def __float__(self):
        return float(self.y)


a = Vec(1, 2)
b = Vec(3, -4)
print(a + b, a - b, a * 3, 3 * a, -a, abs(b), bool(a), bool(Vec(0, 0)), a == Vec(1, 2), a != b, a == 5)
print({a: "a", b: "b"}[Vec(1, 2)], a in [Vec(1, 2)], [b, a].index(Vec(1, 2)), int(a), float(a), [a, b].count(Vec(3, -4)))
x, y = a
print(x, y, sum([a, b], Vec(0, 0)), not Vec(0, 0), a and "truthy")
for bad in [lambda: a + 1, lambda: 1 + a, lambda: a / 2, lambda: a < b, lambda: ~a]:
    try:
        bad()
    except TypeError as error:
        print(error)


class Money:
    def __init__(self, cents):
        self.cents = cents

    def __radd__(self, other):
        return Money(self.cents + other)

    def __rsub__(self, other):
        return other - self.cents

    def __floordiv__(self, n):
        return Money(self.cents // n)

    def __mod__(self, n):
        return self.cents % n


print(sum([Money(5)]).cents, (1 + Money(2)).cents, 10 - Money(3), (Money(17) // 5).cents, Money(17) % 5)
