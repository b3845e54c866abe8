# refused: 5:10 type
print("must not run")


def first[T](values):
    return values[0]


print(first([1]))
