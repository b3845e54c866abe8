# Raising and catching, finally blocks and with statements in a loop.
# small: 50
# second: 2200000


class Closed(Exception):
    pass


class Guard:
    def __init__(self):
        self.depth = 0

    def __enter__(self):
        self.depth += 1
        return self

    def __exit__(self, kind, value, traceback):
        self.depth -= 1
        return kind is Closed


def step(i):
    if i % 5 == 0:
        raise ValueError(i)
    if i % 7 == 0:
        raise Closed
    return i


def run(n):
    guard = Guard()
    total = 0
    for i in range(n):
        with guard:
            try:
                total += step(i)
            except ValueError as error:
                total -= error.args[0]
            finally:
                total += guard.depth
    return total


if __name__ == "__main__":
    import sys
    import time

    arguments = [a for a in sys.argv[1:] if a != "--time"]
    n = int(arguments[0]) if arguments else 50
    start = time.perf_counter()
    result = run(n)
    seconds = time.perf_counter() - start
    print(seconds if "--time" in sys.argv else f"{n} {result}")
