# Without a lock, does it matter whether two threads use the same object?
#
# Two threads read an element of a list, or append to it and pop from it: each thread a list of its own, then both the
# same one. With one lock for everything the lists make no difference, since only one thread runs at a time anyway.
# Without it each list has a lock (or a count of references) of its own, and the two cores pass it to and fro.
#
# Watch   the two right columns, relative to one thread: 2 is perfect scaling, below 1 the second thread made it worse.
# Try     cargo lab py examples/py/free_threads.py --gil free
#         cargo lab py examples/py/free_threads.py              (gil310: about 1 everywhere)
#         cargo lab py examples/py/free_threads.py --gil per-interp   (nothing is shared, `shared` is a copy)
# Options --times N (operations of a thread)
#
# CPython, measured, relative to one thread: 3.13 with its lock 1.0 everywhere. Free-threaded 3.13: append and pop 1.6
# on private lists and 0.88 on a shared one; reading 0.62 and 0.29.
import sys
import threading
import time


def options(defaults):
    """Reads `--name number` pairs from the command line over these defaults."""
    chosen = dict(defaults)
    words = sys.argv[1:]
    while words:
        if words[0] not in chosen or len(words) == 1:
            sys.exit("usage: " + sys.argv[0] + " [NAME NUMBER]... with the names " + ", ".join(sorted(chosen)))
        chosen[words[0]] = float(words[1])
        words = words[2:]
    return chosen


def list_read(items, times):
    for _ in range(times):
        items[0]
        items[1]
        items[2]
        items[3]


def append_pop(items, times):
    for _ in range(times):
        items.append(1)
        items.pop()
        items.append(2)
        items.pop()


def rate(work, lists, times):
    """Millions of operations in a second, of one thread for each list."""
    threads = [threading.Thread(target=work, args=(items, times)) for items in lists]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(lists) * times * 4 / (time.perf_counter() - start) / 1e6


def median(values):
    return sorted(values)[len(values) // 2]


def main():
    chosen = options({"--times": 300000})
    times = int(chosen["--times"])
    result = f"RESULT program=free_threads times={times}"
    print("operation    1 thread (M/s)   2 threads, own lists   2 threads, same list")
    for name, work in [("list_read", list_read), ("append_pop", append_pop)]:
        alone = []
        private = []
        shared = []
        for _ in range(3):
            same = [1, 2, 3, 4]
            alone.append(rate(work, [[1, 2, 3, 4]], times))
            private.append(rate(work, [[1, 2, 3, 4], [1, 2, 3, 4]], times))
            shared.append(rate(work, [same, same], times))
        base = median(alone)
        own = median(private) / base
        both = median(shared) / base
        print(f"{name:<12} {base:>14.1f} {own:>22.2f} {both:>22.2f}")
        result += f" {name}_m_s={base:.2f} {name}_private={own:.3f} {name}_shared={both:.3f}"
    print(result)


if __name__ == "__main__":
    main()
