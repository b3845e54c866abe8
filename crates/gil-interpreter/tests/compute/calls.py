# Function calls: recursion, defaults, several arguments.
# small: 10
# second: 34


def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)


def three(a, b, c=3):
    return a + b * c


def run(n):
    total = fib(n)
    for i in range(total % 1000 + n * 100):
        total = (total + three(i, 2) + three(i, b=1, c=2)) % 1000003
    return total


if __name__ == "__main__":
    import sys
    import time

    arguments = [a for a in sys.argv[1:] if a != "--time"]
    n = int(arguments[0]) if arguments else 10
    start = time.perf_counter()
    result = run(n)
    seconds = time.perf_counter() - start
    print(seconds if "--time" in sys.argv else f"{n} {result}")
