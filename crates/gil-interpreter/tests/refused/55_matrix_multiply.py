# refused: 10:7 @
print("must not run")


class Vec:
    def __add__(self, other):
        return self


print(Vec() @ Vec())
