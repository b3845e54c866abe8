# refused: 3:8 set
print("must not run")
seen = {1, 2, 3}
print(2 in seen)
