# Float arithmetic: Euler steps of a damped oscillator.
# small: 1000
# second: 6000000


def run(n):
    x = 1.0
    v = 0.0
    dt = 0.001
    energy = 0.0
    for _ in range(n):
        a = -x - 0.01 * v
        v = v + a * dt
        x = x + v * dt
        energy += 0.5 * v * v + 0.5 * x * x
    return energy


if __name__ == "__main__":
    import sys
    import time

    arguments = [a for a in sys.argv[1:] if a != "--time"]
    n = int(arguments[0]) if arguments else 1000
    start = time.perf_counter()
    result = run(n)
    seconds = time.perf_counter() - start
    print(seconds if "--time" in sys.argv else f"{n} {result}")
