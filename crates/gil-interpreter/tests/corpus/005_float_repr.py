# The shortest text that reads back as the same float.
values = [0.1, 0.1 + 0.2, 1 / 3, 2 / 3, 1.0, -0.0, 0.0, 100.0, 1e15, 1e16, 1e17, 1.5e16, 123456789012345680.0]
for v in values:
    print(v, repr(v), str(v), float(repr(v)) == v)

small = [1e-4, 1e-5, 1.5e-5, 0.0001234, 0.00001234, 5e-324, 2.2250738585072014e-308]
for v in small:
    print(v)

print(1.7976931348623157e308, 1e308 * 10, -1e308 * 10)
inf = float("inf")
nan = float("nan")
print(inf, -inf, nan, inf - inf, inf * 0, inf + 1, 1 / inf, -1 / inf)
print(nan == nan, nan != nan, nan < 1, inf > 1e308, inf == inf, nan is nan)
print(float("1e3"), float(" 2.5 "), float("-.5"), float("5."), float("1_0.5"), float("Infinity"), float("-nan"))
print(12345678.9, 0.5, 1e22, 1e21, 123e-7, 9007199254740992.0, 4.35, 0.3, 2.675)
print([1.0, 2.5, -0.0], (1e100,), {1.5: 2.5})
print(3.0 * 2, 7.0 // 2, -7.0 // 2, 7.5 % 2, -7.5 % 2, 7.5 % -2, divmod(-7.5, 2))
