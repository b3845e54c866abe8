# Integer arithmetic in a tight loop.
# small: 1000
# second: 8000000


def run(n):
    total = 0
    value = 12345
    i = 0
    while i < n:
        value = (value * 1103 + 12345) % 1000003
        if value & 1:
            total += value
        else:
            total ^= i
        i += 1
    return total


if __name__ == "__main__":
    import sys
    import time

    arguments = [a for a in sys.argv[1:] if a != "--time"]
    n = int(arguments[0]) if arguments else 1000
    start = time.perf_counter()
    result = run(n)
    seconds = time.perf_counter() - start
    print(seconds if "--time" in sys.argv else f"{n} {result}")
