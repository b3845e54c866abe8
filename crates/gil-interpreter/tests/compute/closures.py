# Closures with captured and changed variables, lambdas, higher-order functions.
# small: 100
# second: 2500000


def make_counter(step):
    count = 0

    def increment():
        nonlocal count
        count += step
        return count

    return increment


def compose(f, g):
    return lambda x: f(g(x))


def run(n):
    one = make_counter(1)
    three = make_counter(3)
    pipeline = compose(lambda x: x * 2, compose(lambda x: x + 5, lambda x: x % 1001))
    total = 0
    for i in range(n):
        total += pipeline(i) + one() - three() % 7
        if i % 10 == 0:
            extra = make_counter(i)
            extra()
            total += extra()
    return total


if __name__ == "__main__":
    import sys
    import time

    arguments = [a for a in sys.argv[1:] if a != "--time"]
    n = int(arguments[0]) if arguments else 100
    start = time.perf_counter()
    result = run(n)
    seconds = time.perf_counter() - start
    print(seconds if "--time" in sys.argv else f"{n} {result}")
