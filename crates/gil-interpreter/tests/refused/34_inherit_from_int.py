# refused: 5:14 int
print("must not run")


class Metres(int):
    pass


print(Metres(3))
