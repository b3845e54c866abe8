# refused: 9:5 decorator
print("must not run")


class Circle:
    def __init__(self, radius):
        self.radius = radius

    @property
    def area(self):
        return 3 * self.radius ** 2


print(Circle(2).area)
