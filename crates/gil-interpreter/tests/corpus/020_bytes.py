# Bytes: literals, indexing, methods, conversion.
b = b"hello\x00\xff\n"
print(b, len(b), b[0], b[-1], b[0:3], b[::-1], list(b[:4]))
print(b"ab" + b"cd", b"xy" * 3, b"ell" in b, 104 in b, 200 in b, b == b"hello\x00\xff\n", b"a" < b"b")
print(bytes(3), bytes([65, 66, 67]), bytes("é", "utf-8"), "é한".encode(), b"\xed\x95\x9c".decode(), b"abc".decode("ascii"))
print(repr(b"it's"), repr(b'"'), repr(b"\t\r\n\\"), b"\x41\x7f\x80", str(b"x"), b"".hex() == "", b"\x00\xab".hex())
print(b"a,b,c".split(b","), b"  x ".strip(), b",".join([b"a", b"b"]), b"abc".upper(), b"ABC".lower(), b"abab".replace(b"a", b"x"))
print(b"abcabc".find(b"c"), b"abc".startswith(b"ab"), b"abc".endswith(b"bc"), b"abab".count(b"ab"), bytes.fromhex("00ff10"))
for value in b"xyz":
    print(value, end=" ")
print()
print("text".encode("utf-8"), "abc".encode("ascii"), len("한".encode()), (1000).to_bytes(2, "big"), int.from_bytes(b"\x03\xe8", "big"))
print(int.from_bytes(b"\x03\xe8", "little"), (258).to_bytes(4, "little"), bool(b""), hash(b"a") == hash(b"a"), {b"k": 1}[b"k"])
try:
    b"abc"[10]
except IndexError as error:
    print(error)
try:
    b"a" + "b"
except TypeError as error:
    print(error)
try:
    b"\xff".decode()
except UnicodeDecodeError as error:
    print(type(error).__name__, error)
try:
    bytes([256])
except ValueError as error:
    print(error)
