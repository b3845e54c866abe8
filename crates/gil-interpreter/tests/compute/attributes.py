# Reading and writing attributes of instances and classes.
# small: 500
# second: 6000000


class Particle:
    drag = 3

    def __init__(self):
        self.x = 0
        self.y = 0
        self.step = 1
        self.count = 0


def run(n):
    p = Particle()
    q = Particle()
    q.step = 2
    for i in range(n):
        p.x += p.step
        p.y = p.x - q.x + p.drag
        q.x = (q.x + q.step) % 4093
        if p.y > q.y:
            q.y = p.y
            p.count += 1
        else:
            p, q = q, p
    return p.x * 31 + q.x * 7 + p.y + q.y + p.count + q.count


if __name__ == "__main__":
    import sys
    import time

    arguments = [a for a in sys.argv[1:] if a != "--time"]
    n = int(arguments[0]) if arguments else 500
    start = time.perf_counter()
    result = run(n)
    seconds = time.perf_counter() - start
    print(seconds if "--time" in sys.argv else f"{n} {result}")
