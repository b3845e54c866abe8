# refused: 5:18 annotation
print("must not run")


def nothing() -> None:
    return None


print(nothing())
