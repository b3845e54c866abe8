# Single inheritance, overriding, super() and isinstance.
class Shape:
    sides = 0

    def __init__(self, name):
        self.name = name

    def area(self):
        raise NotImplementedError("area of " + self.name)

    def describe(self):
        return f"{self.name} with {self.sides} sides and area {self.area():.2f}"

    def __str__(self):
        return self.describe()


class Rectangle(Shape):
    sides = 4

    def __init__(self, width, height, name="rectangle"):
        super().__init__(name)
        self.width = width
        self.height = height

    def area(self):
        return self.width * self.height


class Square(Rectangle):
    def __init__(self, side):
        super().__init__(side, side, name="square")

    def describe(self):
        return "perfect " + super().describe()


class Circle(Shape):
    def __init__(self, radius):
        Shape.__init__(self, "circle")
        self.radius = radius

    def area(self):
        return 3.14159 * self.radius ** 2


for shape in [Rectangle(2, 3), Square(4), Circle(1.5)]:
    print(shape, isinstance(shape, Rectangle), isinstance(shape, (Circle, Square)), type(shape).__name__)
print(issubclass(Square, Shape), issubclass(Circle, Rectangle), issubclass(bool, int))
try:
    Shape("blob").describe()
except NotImplementedError as error:
    print(type(error).__name__, error)


class A:
    def who(self):
        return "A"

    def call(self):
        return self.who()


class B(A):
    def who(self):
        return "B" + super().who()


class C(B):
    def who(self):
        inherited = super().who

        def inner():
            return inherited()

        return "C" + inner()


print(A().call(), B().call(), C().call())
try:
    Square()
except TypeError as error:
    print(error)


class D(C):
    def call(self):
        return super().nothing()


try:
    D().call()
except AttributeError as error:
    print(error)
