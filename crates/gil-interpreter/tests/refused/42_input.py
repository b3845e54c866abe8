# refused: 3:8 input
print("must not run")
name = input("name? ")
print(name)
