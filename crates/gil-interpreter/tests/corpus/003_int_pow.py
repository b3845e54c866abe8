# Powers of integers: integer and float results, the modular form.
for base in [0, 1, 2, -2, 3, -3, 10]:
    print(base, [base ** e for e in range(6)])

print(2 ** 62, (-2) ** 63, 3 ** 39, 10 ** 18)
print(2 ** -1, 10 ** -2, (-2) ** -3, 1 ** -5)
print(pow(2, 10), pow(3, 4, 5), pow(2, 40, 1000007), pow(7, 0, 13), pow(2, 5, -7))
print(0 ** 0, 0.0 ** 0, 2 ** 0.5, 4 ** 0.5, 8 ** (1 / 3))


def power_mod(base, exponent, modulus):
    result = 1
    base %= modulus
    while exponent > 0:
        if exponent & 1:
            result = result * base % modulus
        base = base * base % modulus
        exponent >>= 1
    return result


for e in [0, 1, 2, 17, 1000, 123456]:
    print(e, power_mod(3, e, 1000003), pow(3, e, 1000003))

try:
    0 ** -1
except ZeroDivisionError as error:
    print(type(error).__name__)
try:
    pow(2, 3, 0)
except ValueError as error:
    print(error)
