# refused: 5:10 positional-only
print("must not run")


def area(width, height, /):
    return width * height


print(area(3, 4))
