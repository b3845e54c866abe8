# refused: 5:15 annotation
print("must not run")


def double(n: int):
    return n * 2


print(double(3))
