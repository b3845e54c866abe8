# Permutations and pancake flips: list slices and index arithmetic.
# small: 5
# second: 9


def run(n):
    permutation = list(range(n))
    counts = [0] * n
    most = 0
    checksum = 0
    r = n
    index = 0
    while True:
        while r > 1:
            counts[r - 1] = r
            r -= 1
        flips = 0
        current = permutation[:]
        first = current[0]
        while first != 0:
            current[:first + 1] = current[first::-1]
            flips += 1
            first = current[0]
        if flips > most:
            most = flips
        checksum += flips if index % 2 == 0 else -flips
        index += 1
        while True:
            if r == n:
                return checksum * 1000 + most
            head = permutation[0]
            for i in range(r):
                permutation[i] = permutation[i + 1]
            permutation[r] = head
            counts[r] -= 1
            if counts[r] > 0:
                break
            r += 1


if __name__ == "__main__":
    import sys
    import time

    arguments = [a for a in sys.argv[1:] if a != "--time"]
    n = int(arguments[0]) if arguments else 5
    start = time.perf_counter()
    result = run(n)
    seconds = time.perf_counter() - start
    print(seconds if "--time" in sys.argv else f"{n} {result}")
