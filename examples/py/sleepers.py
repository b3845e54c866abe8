# Do threads make a program faster that only waits?
#
# Eight tasks sleep ten times 50 ms each, first one after the other, then each in a thread of its own. Sleeping is a
# system call, and every policy lets go of the lock around it.
#
# Watch   the speed-up: as many as there are threads, under each policy. The lock is not to blame for waiting.
# Try     cargo lab py examples/py/sleepers.py --stats   (voluntary releases, and almost no request)
#         cargo lab py examples/py/sleepers.py --gil tick
#         cargo lab py examples/py/sleepers.py --gil free
# Options --tasks N, --naps N, --ms N (milliseconds of a nap)
#
# CPython, measured: 4.0 s and 0.50 s, equal on 2.7, 3.8, 3.11, 3.12, 3.13 and the free-threaded 3.13.
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


def nap(naps, seconds):
    for _ in range(naps):
        time.sleep(seconds)


def main():
    chosen = options({"--tasks": 8, "--naps": 10, "--ms": 50})
    tasks = int(chosen["--tasks"])
    naps = int(chosen["--naps"])
    seconds = chosen["--ms"] / 1000

    start = time.perf_counter()
    for _ in range(tasks):
        nap(naps, seconds)
    sequential = time.perf_counter() - start

    threads = [threading.Thread(target=nap, args=(naps, seconds)) for _ in range(tasks)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    threaded = time.perf_counter() - start

    print("how             seconds   speed-up")
    print(f"in sequence   {sequential:>9.3f}   {1.0:>8.2f}")
    print(f"in {tasks} threads  {threaded:>9.3f}   {sequential / threaded:>8.2f}")
    print(
        f"RESULT program=sleepers tasks={tasks} sequential_s={sequential:.4f} threaded_s={threaded:.4f}"
        f" speedup={sequential / threaded:.3f}"
    )


if __name__ == "__main__":
    main()
