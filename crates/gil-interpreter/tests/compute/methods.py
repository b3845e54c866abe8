# Method calls on small objects, with inheritance.
# small: 500
# second: 4500000


class Shape:
    def __init__(self, size):
        self.size = size

    def area(self):
        return 0

    def scaled(self, k):
        return self.area() * k


class Square(Shape):
    def area(self):
        return self.size * self.size


class Strip(Shape):
    def area(self):
        return self.size * 3


def run(n):
    shapes = [Square(2), Strip(5), Square(7), Shape(1)]
    total = 0
    for i in range(n):
        shape = shapes[i & 3]
        total = (total + shape.scaled(i & 7) + shape.area()) % 1000003
    return total


if __name__ == "__main__":
    import sys
    import time

    arguments = [a for a in sys.argv[1:] if a != "--time"]
    n = int(arguments[0]) if arguments else 500
    start = time.perf_counter()
    result = run(n)
    seconds = time.perf_counter() - start
    print(seconds if "--time" in sys.argv else f"{n} {result}")
