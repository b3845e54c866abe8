# refused: 5:10 duplicate
print("must not run")


def f(a, a):
    return a


print(f(1, 2))
