# refused: 6:12 super
print("must not run")


def helper():
    return super().__init__()


print(helper())
