# Strip, pad and align methods.
s = "  xx text xx \n"
print(repr(s.strip()), repr(s.lstrip()), repr(s.rstrip()), repr(s.strip(" \nx")), repr(s.lstrip(" x")), repr(s.rstrip("\n")))
print("www.example.com".strip("cmowz."), "aaa".strip("a") == "", "abc".strip(""), "[x]".strip("[]"))
print(repr("ab".ljust(5)), repr("ab".rjust(5)), repr("ab".center(5)), repr("abc".center(6)), repr("ab".center(7, "*")))
print("7".zfill(3), "-7".zfill(4), "+7".zfill(4), "abc".zfill(2), "".zfill(2), "x".ljust(4, "."), "x".rjust(4, "."))
print("test_name".removeprefix("test_"), "name.py".removesuffix(".py"), "abc".removeprefix("x"), "abc".removesuffix(""))
print(repr("a\tb\tc".expandtabs()), repr("a\tb".expandtabs(4)), repr("abcd\te".expandtabs(4)))

rows = [("apple", 3, 0.5), ("banana", 12, 0.25), ("cherry", 100, 12.0)]
for name, count, price in rows:
    print(name.ljust(10, ".") + str(count).rjust(5) + str(price).rjust(8))
print("=" * 23)
for width in range(1, 8):
    print("[" + "ab".center(width, "-") + "]", "[" + "abc".center(width, "-") + "]")
