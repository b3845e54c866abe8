# refused: 3:1 assign
print("must not run")
5 = x
print(x)
