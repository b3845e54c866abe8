# refused: 6:9 __getattr__
print("must not run")


class Ghost:
    def __getattr__(self, name):
        return name


print(Ghost().anything)
