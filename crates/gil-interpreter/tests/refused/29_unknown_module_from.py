# refused: 6:5 random
print("must not run")


def roll():
    from random import randint

    return randint(1, 6)


print(roll())
