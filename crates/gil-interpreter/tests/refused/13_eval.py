# refused: 3:7 eval
print("must not run")
print(eval("1 + 2"))
