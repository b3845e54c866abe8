# next() past the end ends the program with a bare StopIteration line.
class Reader:
    def __init__(self, lines):
        self.lines = iter(lines)

    def read(self):
        return next(self.lines)


reader = Reader(["one", "two"])
print(reader.read())
print(reader.read())
try:
    reader.read()
except StopIteration as error:
    print("ended", error.args, error.value)
reader.read()
