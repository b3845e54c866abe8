# Mixed arithmetic and comparisons between int, float and bool.
print(1 + 2.0, 3 * 0.5, 7 / 2, 8 / 2, 2 ** 0.5, 2.0 ** 3, 7 // 2.0, 1e3 - 1)
print(1 == 1.0, 1 < 1.5, 2 > 1.999, True == 1.0, 0 == -0.0, 3 != 3.0)
print(True + True, True * 2.5, False - 1, -True, True / 2)
print(sum([0.5] * 10), sum([1, 2.5, 3]), max(1, 1.5, True), min(0.5, 0))
print((0.1 + 0.2) + 0.3, 0.1 + (0.2 + 0.3))


def mean(values):
    return sum(values) / len(values)


def variance(values):
    m = mean(values)
    return sum([(v - m) ** 2 for v in values]) / (len(values) - 1)


data = [2.5, 3.5, 4.0, 8.25, 1.75]
print(mean(data), variance(data), variance(data) ** 0.5)


def newton_sqrt(x):
    guess = x / 2
    steps = 0
    while abs(guess * guess - x) > 1e-12 * x:
        guess = (guess + x / guess) / 2
        steps += 1
    return guess, steps


for x in [2.0, 10, 144, 0.25]:
    print(x, newton_sqrt(x))
print((2.5).is_integer(), (4.0).is_integer(), 1e300 * 1e10, -1e300 * 1e10)
print(int(1e15), int(-2.999), int(2 ** 40 + 0.5), float(7), float(True), float("3"))
