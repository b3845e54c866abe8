# refused: 8:15 __dict__
print("must not run")


class Point:
    pass

print(Point().__dict__)
