# The format mini-language for strings, and str.format.
for s in ["abc", "", "한글", "longer text"]:
    print(f"{s:8}|{s:<8}|{s:>8}|{s:^8}|{s:*^9}|{s:.2}|{s:6.2}|{s:>6.3}|{s!r:>8}|{s:s}|{s:08}|")
print("{} and {}".format(1, "two"), "{0} {1} {0}".format("a", "b"), "{x}-{y}".format(x=1, y=2), "{:>5}|{:<5}|".format(1, 2))
print("{0[1]} {1[k]}".format([5, 6], {"k": 3}), "{{}} {}".format(1), "{!r} {!s}".format("q", "q"), "{:{}}|".format("x", 4))
print("{0:.2f} {0:e} {1:,}".format(3.14159, 1000000), "{a[k]}".format(a={"k": "v"}))
try:
    "{} {}".format(1)
except IndexError as error:
    print(error)
try:
    "{missing}".format(here=1)
except KeyError as error:
    print(error)
try:
    format("abc", "d")
except ValueError as error:
    print(error)
try:
    f"{[1]:5}"
except TypeError as error:
    print(error)
header = ["name", "qty", "price"]
rows = [["tea", 2, 3.5], ["coffee", 10, 12.25], ["cocoa", 100, 0.75]]
print(f"{header[0]:<10}{header[1]:>6}{header[2]:>10}")
for name, qty, price in rows:
    print(f"{name:<10}{qty:>6d}{price:>10.2f}")
print(f"{'total':<10}{sum([r[1] for r in rows]):>6}{sum([r[1] * r[2] for r in rows]):>10,.2f}")
