# Number formatting and parsing: str, int, float, f-strings with specs.
# small: 20
# second: 650000


def run(n):
    total = 0
    for i in range(n):
        text = f"{i:>8}|{i * 0.25:.2f}|{i % 255:02x}"
        left, middle, right = text.split("|")
        total += int(left) + int(float(middle)) + int(right, 16) + len(str(i))
    return total


if __name__ == "__main__":
    import sys
    import time

    arguments = [a for a in sys.argv[1:] if a != "--time"]
    n = int(arguments[0]) if arguments else 20
    start = time.perf_counter()
    result = run(n)
    seconds = time.perf_counter() - start
    print(seconds if "--time" in sys.argv else f"{n} {result}")
