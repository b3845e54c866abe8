# refused: 6:14 nonlocal
print("must not run")


def f():
    nonlocal missing
    missing = 1


f()
