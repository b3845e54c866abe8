# refused: 6:12 set
print("must not run")


def unique(values):
    return set(values)


print(len(unique([1, 1, 2])))
