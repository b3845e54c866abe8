# refused: 5:1 SyntaxError
print("must not run")
values = [1, 2,
print(values)
