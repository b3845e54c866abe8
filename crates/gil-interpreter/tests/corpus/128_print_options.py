# print: sep, end, file, flush, and the errors of wrong options.
import sys

print()
print("a", "b", sep="")
print("a", "b", sep="\n")
print("a", "b", sep=None, end=None)
print("x", end="")
print("y", end="|")
print("z")
print("to stdout", file=sys.stdout)
print("nothing here", file=sys.stderr, end="")
print(sep="unused")
print("multi\nline", "tab\there")
for bad in ["sep", "end"]:
    try:
        if bad == "sep":
            print("a", sep=5)
        else:
            print("a", end=5)
    except TypeError as error:
        print(error)
sys.stdout.write("no newline")
sys.stdout.write("\n")
lines = ["one", "two"]
for line in lines:
    sys.stdout.write(line + "\n")
sys.stdout.flush()


class Writer:
    def __init__(self):
        self.parts = []

    def write(self, text):
        self.parts.append(text)

    def flush(self):
        self.parts.append("<flush>")


writer = Writer()
print("into", "a writer", file=writer, sep="-")
print("again", end="!", file=writer, flush=True)
print(writer.parts)
print("é", "한", "😀", "\u00df", ascii("é한😀"))
print([None, True, 1.5, "q'q", b"b"], {"k": ("t",)}, sep="")
sys.stdout.write("the last line has no newline")
