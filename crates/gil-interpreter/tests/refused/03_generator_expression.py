# refused: 4:11 generator
print("must not run")
numbers = [1, 2, 3]
squares = ((n * n) for n in numbers)
print(list(squares))
