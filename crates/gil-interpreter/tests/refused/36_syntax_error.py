# refused: 4:10 SyntaxError
print("must not run")
values = [1, 2, 3]
if values
    print(values)
