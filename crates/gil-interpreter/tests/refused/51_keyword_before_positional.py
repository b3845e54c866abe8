# refused: 8:20 positional
print("must not run")


def area(width, height):
    return width * height

print(area(width=3, 4))
