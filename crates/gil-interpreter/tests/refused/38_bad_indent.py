# refused: 6:1 SyntaxError
print("must not run")


def f():
return 1
