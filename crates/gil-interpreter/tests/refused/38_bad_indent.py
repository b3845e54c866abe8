# refused: 6 indent
print("must not run")


def f():
return 1
