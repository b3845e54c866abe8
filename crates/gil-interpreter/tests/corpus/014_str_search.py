# find, index, count, replace, startswith and relatives.
s = "banana bandana"
print(s.find("an"), s.find("an", 2), s.find("an", 2, 4), s.rfind("an"), s.find("x"), s.find(""), s.find("", 99), s.find("ban", -7))
print(s.index("nd"), s.rindex("ana"), s.count("an"), s.count("ana"), s.count(""), s.count("a", 3), s.count("a", 3, 6))
print(s.replace("an", "AN"), s.replace("an", "", 2), s.replace("a", "aa"), "abc".replace("", "-"), s.replace("x", "y"))
print(s.startswith("ban"), s.startswith("ana", 1), s.endswith("ana"), s.endswith("ban", 0, 10), s.startswith(("x", "b")), s.endswith(("x", "y")))
print("ab" in "cabs", "é" in "café", "한" in "대한민국", "대한민국".find("민"), "naïve café".replace("é", "e"))
for name in ["index", "rindex"]:
    try:
        if name == "index":
            s.index("zzz")
        else:
            s.rindex("zzz")
    except ValueError as error:
        print(error)


def count_overlapping(text, part):
    total = 0
    start = text.find(part)
    while start != -1:
        total += 1
        start = text.find(part, start + 1)
    return total


print(count_overlapping(s, "ana"), count_overlapping("aaaa", "aa"), "aaaa".count("aa"))
table = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
html = "if a < b & b > c"
for old, new in table.items():
    html = html.replace(old, new)
print(html)
print("hello".translate({104: "J", 108: None, 111: 48}), "abc".translate(str.maketrans("ab", "xy")))
