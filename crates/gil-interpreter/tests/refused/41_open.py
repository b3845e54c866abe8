# refused: 3:6 open
print("must not run")
with open("file.txt") as handle:
    print(handle)
