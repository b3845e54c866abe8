# f-strings: expressions, conversions, nesting, debugging form.
name = "world"
n = 42
pi = 3.14159265
items = [1, "two", 3.0]
print(f"hello {name}", f"{n}", f"{n + 1}", f"{name!r}", f"{name!s:>8}", f"{'x' * 3}", f"{{literal}} {n}", f"{n:>5}|{n:<5}|{n:^5}|")
print(f"{n=}", f"{n + 1 = }", f"{name = !s}", f"{pi=:.2f}", f"{items[1]=}")
width = 10
precision = 3
print(f"{pi:{width}.{precision}f}|", f"{name:>{width}}|", f"{name:{'*'}^{width}}|")
print(f"{items}", f"{items[0]}", f"{items!r:>20}|", f"{len(items)} items", f"{items[-1]:.1f}")
print(f"{'yes' if n > 40 else 'no'}", f"{ {'a': 1}['a'] }", f"{(lambda x: x * 2)(4)}", f"{[i * i for i in range(4)]}")
print(f"{None}", f"{True}", f"{True:d}", f"{True:>6}|", f"{1.0}", f"{()}", f"{b'x'}", f"{'é'!a}")
print(f"a" "b" f"{n}" "c{n}", rf"\d{n}", f"{n}" + "!" * 2)
print(f"""multi
{name}
line""")


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __repr__(self):
        return f"Point({self.x!r}, {self.y!r})"

    def __str__(self):
        return f"({self.x}, {self.y})"

    def __format__(self, spec):
        return f"<{spec}|{self.x}|{self.y}>"


p = Point(1, "b")
print(f"{p}", f"{p!r}", f"{p!s}", f"{p:wide}", f"{p!s:>10}|", f"{p.x}", f"{[p]}")
