# List building, indexing, slicing and appending.
# small: 20
# second: 16000


def run(n):
    total = 0
    for round_number in range(n):
        values = []
        for i in range(400):
            values.append(i * round_number % 97)
        for i in range(1, len(values)):
            values[i] = (values[i] + values[i - 1]) % 1009
        half = values[::2]
        half.reverse()
        squares = [v * v for v in half if v % 3]
        total += sum(squares) + values.pop() + len(half[5:50])
        while len(half) > 100:
            half.pop()
        total += max(half) - min(half)
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
