# The four operations on integers, with every combination of signs.
pairs = [(7, 2), (-7, 2), (7, -2), (-7, -2), (6, 3), (-6, 3), (0, 5), (1, -10)]
for a, b in pairs:
    print(a, b, a + b, a - b, a * b, a // b, a % b, a / b)
    # The rule that holds for every pair of integers.
    assert a == (a // b) * b + a % b

for a, b in pairs:
    q, r = divmod(a, b)
    print("divmod", q, r, q == a // b, r == a % b)

print(+5, -5, --5, -(-5), +-+5)
print(2 + 3 * 4, (2 + 3) * 4, 2 ** 3 ** 2, -2 ** 2, (-2) ** 2)
print(7 // 2 * 2 + 7 % 2, 100 - 10 - 1, 100 // 10 // 3)
print(abs(-12), abs(12), abs(0))
print(int(7.9), int(-7.9), int("42"), int("  -17\n"), int("1_000"), int(True))
print(1_000_000, 0x1F, 0b1011, 0o17, 0xdead_beef)
