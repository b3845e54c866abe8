# refused: 3:7 frozenset
print("must not run")
key = frozenset([1, 2])
print(key)
