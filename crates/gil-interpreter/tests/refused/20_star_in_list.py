# refused: 4:9 star
print("must not run")
first = [1, 2]
both = [*first, 3]
print(both)
