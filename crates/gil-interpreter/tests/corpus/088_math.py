# The math module.
import math

print(math.pi, math.e, math.inf, math.nan, math.tau)
print(math.sqrt(2), math.sqrt(16), math.isqrt(17), math.floor(-2.5), math.ceil(-2.5), math.trunc(-2.5), math.floor(7), type(math.floor(2.5)).__name__)
print(math.gcd(12, 18), math.gcd(0, 5), math.gcd(-4, 6), math.lcm(4, 6), math.factorial(0), math.factorial(20), math.comb(10, 3), math.perm(5, 2))
print(math.sin(0), math.cos(0), math.tan(0), round(math.sin(math.pi / 6), 12), round(math.atan2(1, 1), 12), math.atan(0), math.acos(1), math.asin(0))
print(math.exp(0), math.log(1), round(math.log(100, 10), 12), math.log2(8), math.log10(1000), round(math.log(math.e), 12), round(math.exp(1), 12))
print(math.hypot(3, 4), math.fabs(-2), math.copysign(3, -0.0), math.fmod(-7, 3), math.pow(2, 10), math.modf(2.5), math.degrees(math.pi), round(math.radians(180), 12))
print(math.isnan(math.nan), math.isinf(-math.inf), math.isfinite(1.0), math.isclose(0.1 + 0.2, 0.3), math.isclose(1, 1.1), math.prod([1, 2, 3, 4]), math.fsum([0.1] * 10))
for bad in [lambda: math.sqrt(-1), lambda: math.log(0), lambda: math.factorial(-1), lambda: math.floor(math.inf), lambda: math.exp(1000), lambda: math.sqrt("x"), lambda: math.acos(2)]:
    try:
        print(bad())
    except (ValueError, OverflowError, TypeError) as error:
        print(type(error).__name__)


def integrate(f, low, high, steps):
    width = (high - low) / steps
    total = 0.0
    for i in range(steps):
        total += f(low + (i + 0.5) * width)
    return total * width


print(round(integrate(math.sin, 0, math.pi, 1000), 5), round(integrate(lambda x: x * x, 0, 3, 300), 3))
print([round(math.sqrt(n), 3) for n in range(5)], [math.isqrt(n) for n in [0, 1, 8, 9, 10 ** 12]])
print(math.ceil(1e10 + 0.5), math.floor(-0.0), math.trunc(1e15), math.floor(True))
