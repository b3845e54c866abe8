# Splitting in all its forms, and joining.
print("a b  c".split(), "a b  c".split(" "), "".split(), "".split(","), "  x  ".split(), "a,b,,c,".split(","))
print("a,b,c,d".split(",", 2), "a,b,c,d".rsplit(",", 2), " a  b c ".split(None, 1), " a  b c ".rsplit(None, 1))
print("a--b--c".split("--"), "abc".split("x"), "a,b".split(",", 0), "k=v=w".split("=", 1), "aXbXc".split(sep="X", maxsplit=1))
print("one\ntwo\r\nthree\n".splitlines(), "one\n\ntwo".splitlines(True), "".splitlines(), "a\rb\x0bc".splitlines())
print("k=v".partition("="), "kv".partition("="), "a=b=c".partition("="), "a=b=c".rpartition("="), "abc".rpartition("="))
print(",".join(["a", "b", "c"]), "".join(["x", "y"]), ", ".join([]), "-".join("abc"), "-".join(("p", "q")), "+".join({"k": 1}))
try:
    ",".join([1, 2])
except TypeError as error:
    print(error)
try:
    "abc".split("")
except ValueError as error:
    print(error)

text = "the quick brown fox jumps over the lazy dog"
print(" ".join([w.capitalize() for w in text.split()]))
print(" ".join(reversed(text.split())))
print(" ".join([w[::-1] for w in text.split(" ")]))
records = "ann:31:oslo;bob:27:rome;eve:45:lima"
for record in records.split(";"):
    name, age, city = record.split(":")
    print(name, int(age) + 1, city)
