# Dict lookups, updates, counting and iteration with int and str keys.
# small: 20
# second: 16000


def run(n):
    names = [f"key{i}" for i in range(64)]
    total = 0
    for round_number in range(n):
        counts = {}
        for i in range(400):
            key = names[i * 7 % 64]
            counts[key] = counts.get(key, 0) + i
        squares = {}
        for i in range(200):
            squares[i * 31 % 211] = i
        for key, value in squares.items():
            if key in squares and value % 2:
                total += key
        for i in range(0, 200, 3):
            if i in squares:
                del squares[i]
        total += counts["key7"] + len(squares) + len(counts)
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
