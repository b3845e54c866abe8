# refused: 13:20 inheritance
print("must not run")


class Walker:
    pass


class Swimmer:
    pass


class Duck(Walker, Swimmer):
    pass


print(Duck())
