# How objects, containers and exceptions present themselves.
class Both:
    def __repr__(self):
        return "<repr>"

    def __str__(self):
        return "<str>"


class OnlyRepr:
    def __repr__(self):
        return "only repr"


class OnlyStr:
    def __str__(self):
        return "only str"


b = Both()
print(b, repr(b), str(b), [b], (b,), {"k": b}, f"{b} {b!r}", "%s %r" % (b, b))
print(OnlyRepr(), str(OnlyRepr()), [OnlyRepr()], OnlyStr(), repr(OnlyStr())[:20])
print(repr(1), repr("a"), repr(None), repr([1, "b"]), str("plain"), str(None), str([None, "x"]), str({"a": 'q"'}))
print(ValueError("bad"), repr(ValueError("bad")), repr(ValueError()), repr(ValueError("a", 1)), str(ValueError("a", 1)), str(KeyError("k")), [KeyError("x")])
print(int, str, list, ValueError, Both, type(None), type(print).__name__, type(len).__name__, type(lambda: 0).__name__, type(Both).__name__)
print(str(Both)[:8], repr(len), print.__name__, int.__name__)
print(print("first", "second", sep="-", end="|\n"), sep="")
print("a", 1, None, [2], sep=", ")
print()
print("no newline", end="")
print("", end="\n\n")
print(1, 2, sep="", end="!\n")
recursive = {"self": None}
recursive["self"] = recursive
print(recursive)
nested = [1, [2]]
nested[1].append(nested)
print(nested)


class Bad:
    def __str__(self):
        return 5


try:
    str(Bad())
except TypeError as error:
    print(error)
print(NotImplemented, ..., Ellipsis is ...)
