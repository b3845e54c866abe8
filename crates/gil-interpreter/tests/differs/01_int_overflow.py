# An int has 64 bits: what does not fit raises OverflowError, and CPython computes a longer int instead.
import math

biggest = 9223372036854775807
smallest = -biggest - 1
attempts = {
    "add": lambda: biggest + 1,
    "subtract": lambda: smallest - 1,
    "multiply": lambda: biggest * 2,
    "multiply smallest": lambda: smallest * -1,
    "power": lambda: 2 ** 63,
    "negative power": lambda: (-2) ** 65,
    "shift": lambda: 1 << 63,
    "shift far": lambda: 3 << 1000,
    "negate": lambda: -smallest,
    "abs": lambda: abs(smallest),
    "floor divide": lambda: smallest // -1,
    "divmod": lambda: divmod(smallest, -1),
    "sum": lambda: sum([biggest, 1]),
    "text": lambda: int("9223372036854775808"),
    "text in hex": lambda: int("ffffffffffffffffff", 16),
    "float": lambda: int(1e19),
    "round": lambda: round(-1e300),
    "floor": lambda: math.floor(1e19),
    "factorial": lambda: math.factorial(21),
    "bytes": lambda: int.from_bytes(b"\xff" * 9, "big"),
}
for name, attempt in attempts.items():
    try:
        print(name, attempt())
    except OverflowError as error:
        print(name, type(error).__name__, len(str(error)) > 10)
total = biggest - 2
try:
    for _ in range(5):
        total += 1
except OverflowError:
    print("the variable keeps its last value", total == biggest)
print(biggest, smallest, biggest - biggest, smallest + biggest, -biggest, biggest // -1, 1 << 62, -1 << 63, (-2) ** 63)
