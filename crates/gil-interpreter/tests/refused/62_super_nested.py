# refused: 6:17 super()
print("must not run")

class Base:
    def names(self):
        return [super().__repr__() for _ in range(2)]


print(Base().names())
