# The built-in sort with keys, and a quicksort in place.
# small: 2
# second: 480


class Random:
    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = self.state * 16807 % 2147483647
        return self.state


def quicksort(values, low, high):
    while low < high:
        pivot = values[(low + high) // 2]
        i = low
        j = high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if j - low < high - i:
            quicksort(values, low, j)
            low = i
        else:
            quicksort(values, i, high)
            high = j


def run(n):
    random = Random(42)
    total = 0
    for _ in range(n):
        values = [random.next() % 10000 for _ in range(1500)]
        by_key = sorted(values, key=lambda v: (v % 100, -v))
        built_in = sorted(values, reverse=True)
        quicksort(values, 0, len(values) - 1)
        assert values == built_in[::-1]
        for i in range(0, 1500, 100):
            total += by_key[i] * 3 + values[i]
    return total


if __name__ == "__main__":
    import sys
    import time

    arguments = [a for a in sys.argv[1:] if a != "--time"]
    n = int(arguments[0]) if arguments else 2
    start = time.perf_counter()
    result = run(n)
    seconds = time.perf_counter() - start
    print(seconds if "--time" in sys.argv else f"{n} {result}")
