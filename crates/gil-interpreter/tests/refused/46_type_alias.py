# refused: 3:1 type
print("must not run")
type Pair = tuple[int, int]
print(Pair)
