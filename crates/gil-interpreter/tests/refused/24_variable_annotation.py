# refused: 3:8 annotation
print("must not run")
count: int = 3
print(count)
