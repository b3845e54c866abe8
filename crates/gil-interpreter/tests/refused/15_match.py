# refused: 6:5 match
print("must not run")


def describe(value):
    match value:
        case 0:
            return "zero"
        case _:
            return "other"


print(describe(0))
