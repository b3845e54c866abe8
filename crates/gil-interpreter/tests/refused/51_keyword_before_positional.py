# refused: 8:21 Positional
print("must not run")


def area(width, height):
    return width * height

print(area(width=3, 4))
