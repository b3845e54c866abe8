# refused: 4 expected
print("must not run")
values = [1, 2, 3]
if values
    print(values)
