# refused: 4:11 star
print("must not run")
base = {"a": 1}
merged = {**base, "b": 2}
print(merged)
