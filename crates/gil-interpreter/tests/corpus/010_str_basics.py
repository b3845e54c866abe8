# Indexing, slicing, concatenation and repetition of strings.
s = "hello, world"
print(s[0], s[-1], s[4], s[-5], len(s))
print(s[0:5], s[7:], s[:5], s[-5:], s[:-7], s[::2], s[::-1], s[8:2:-2], s[100:], s[5:2], s[-100:3])
print(s + "!", "ab" * 3, 3 * "-", "x" * 0, "x" * -1, "a" "b" 'c')
print("lo" in s, "xyz" not in s, "" in s, "h" in s)
for ch in "abc":
    print(ch, ord(ch), chr(ord(ch) + 1), end="; ")
print()
print("tab\tquote\" \x41 \u00e9 \101")
print(r"raw\n\t", 'it''s', """two
lines""")
print(repr("it's"), repr('say "hi"'), repr("both ' and \""), repr("a\tb\n\r\\"), repr("\x00\x1f\x7f"), repr("é ü 한 😀"))
print(repr("\u200b\xa0\xad"), repr("ok"))
print(len("한글"), "한글"[0], "한글"[::-1], ord("한"), chr(54620), len("😀"), "a😀b"[1:])
print("a" < "é", "é".upper(), "ß".upper(), "İ".lower() == "i̇", "ÀÉ".lower())
try:
    s[50]
except IndexError as error:
    print(error)
try:
    s[0] = "J"
except TypeError as error:
    print(error)
try:
    "a" + 1
except TypeError as error:
    print(error)
