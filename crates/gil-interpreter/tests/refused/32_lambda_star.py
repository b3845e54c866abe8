# refused: 3:16 star
print("must not run")
total = lambda *numbers: sum(numbers)
print(total(1, 2))
