# Clocks go forward; sleep takes at least its time.
import time

a = time.monotonic()
b = time.monotonic()
print(b >= a, isinstance(a, float))
start = time.perf_counter()
time.sleep(0.01)
elapsed = time.perf_counter() - start
print(elapsed >= 0.009, elapsed < 30)
now = time.time()
print(now > 1600000000, isinstance(now, float), isinstance(time.perf_counter_ns(), int), time.monotonic_ns() > 0, time.time_ns() > 1600000000000000000)
time.sleep(0)
for bad in [-1, "x"]:
    try:
        time.sleep(bad)
    except (ValueError, TypeError) as error:
        print(type(error).__name__)


class Timer:
    def __enter__(self):
        self.start = time.monotonic()
        return self

    def __exit__(self, kind, value, traceback):
        self.elapsed = time.monotonic() - self.start


with Timer() as timer:
    total = 0
    for i in range(1000):
        total += i
print(total, timer.elapsed >= 0)
previous = time.monotonic()
monotonic = True
for _ in range(100):
    current = time.monotonic()
    if current < previous:
        monotonic = False
    previous = current
print(monotonic)
