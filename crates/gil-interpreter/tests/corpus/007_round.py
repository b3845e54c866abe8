# Rounding to even, with digits, and the type of the result.
for v in [0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6, -2.6, 1e15 + 0.5]:
    print(v, round(v), type(round(v)).__name__)
for v, digits in [(2.675, 2), (1.005, 2), (3.14159, 3), (2.5, 0), (-1.25, 1), (1234.5678, -2), (0.05, 1), (1e22, 2)]:
    print(v, digits, round(v, digits))
print(round(15, -1), round(25, -1), round(14, -1), round(-15, -1), round(1234, -2), round(7), round(7, 3))
print(type(round(15, -1)).__name__, round(True), round(2.0, 1), round(-0.4), round(-0.4, 0))
print(round(1.0), round(5.015, 2), round(0.1 + 0.2, 10))
for name in ["inf", "nan"]:
    try:
        round(float(name))
    except (OverflowError, ValueError) as error:
        print(type(error).__name__, error)
for name in ["inf", "nan"]:
    try:
        int(float(name))
    except (OverflowError, ValueError) as error:
        print(type(error).__name__, error)
