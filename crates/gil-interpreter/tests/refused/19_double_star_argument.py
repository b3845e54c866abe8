# refused: 9:12 star
print("must not run")


def area(width, height):
    return width * height


print(area(**{"width": 3, "height": 4}))
