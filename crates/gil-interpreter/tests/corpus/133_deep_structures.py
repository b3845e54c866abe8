# Long lists, deep nesting, long strings, many locals and arguments.
deep = []
for i in range(60):
    deep = [deep, i]
depth = 0
walk = deep
while walk:
    walk = walk[0]
    depth += 1
print(depth, str(deep).count("["), deep == deep, len(repr(deep)))
nested = {}
at = nested
for key in "abcdefgh":
    at[key] = {}
    at = at[key]
at["end"] = True
print(nested)
chain = "x"
for _ in range(15):
    chain = chain + chain
print(len(chain), chain.count("xx"), chain[:3] + chain[-3:], len(chain.replace("x", "ab")))


def many(a, b, c, d, e, f, g, h, i, j, k=10, l=11, m=12):
    n = a + b
    o = c + d
    p = e + f
    q = g + h
    r = i + j
    return [n, o, p, q, r, k + l + m, sum([a, b, c, d, e, f, g, h, i, j])]


print(many(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), many(0, 1, 2, 3, 4, 5, 6, 7, m=1, i=8, j=9))
expression = 1 + 2 * (3 + 4 * (5 + 6 * (7 + 8 * (9 + 10 * (11 + 12))))) - -1 ** 2 // 3 % 5
print(expression, ((((((((((1)))))))))), [[[[[[[]]]]]]], not not not not True, - - - 5, ~~7)
wide = list(range(5000))
print(len(wide), sum(wide), wide[::-1][:3], wide[1234:1240], max(wide), len([v for v in wide if v % 7 == 0]))
table = {i: str(i) for i in range(2000)}
print(len(table), table[1999], sum([len(v) for v in table.values()]))
print(sum([[i] for i in range(5)], []), [0] * 10, "ab" * 5, (1, 2) * 3, len([[]] * 1000))
big = tuple(range(300))
print(big[150], big[-1], len(big + big), hash(big) == hash(tuple(range(300))))
def one(): return 1; return 2
if one() == 1: print("one line"); print("two statements")
for i in range(3): total = i; print(total, end=";")
print()
