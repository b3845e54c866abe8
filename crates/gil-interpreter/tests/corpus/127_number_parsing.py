# int() and float() of texts: what is accepted and what the errors say.
for text in ["12", " 12 ", "+5", "-0", "0012", "1_000", "0x10", "", " ", "1 2", "12a", "1__0", "_1", "1_", "٣", "1.0", "--1", "é", "9" * 18]:
    try:
        print(repr(text), int(text))
    except ValueError as error:
        print(error)
for text, base in [("ff", 16), ("0xFF", 16), ("0b11", 2), ("12", 3), ("2", 2), ("zz", 36), ("0x1f", 0), ("010", 0), ("0o17", 0), ("10", 8), ("8", 8), ("", 16)]:
    try:
        print(repr(text), base, int(text, base))
    except ValueError as error:
        print(error)
for text in ["1.5", " -2.5e3 ", ".5", "5.", "1e-3", "1E5", "inf", "-Infinity", "NaN", "1_0.0_1", "", "e5", "1e", "0x1p3", "1,5", "--1", "1..2", "infinit", "1e400", "-1e-400"]:
    try:
        print(repr(text), float(text))
    except ValueError as error:
        print(error)
for value in [1.9, -1.9, True, 1e18, -0.0]:
    print(value, int(value))
print(str(10 ** 18), str(-7), repr(1e-7), str(1.0), float("1" + "0" * 22), float("123456789012345678"), 0.1 + 0.7, 1e23, 5e-324, 4.9406564584124654e-324)
print(bool("False"), bool("0"), bool(0.0), int("0b101", 2), float("1e5") == 100000, float(10 ** 15), 1e15 + 0.3)
print(round(123.456, 1), round(-0.5), round(0.1 + 0.2, 2))
for value in [b"12", b" 7 "]:
    print(int(value), float(value))
