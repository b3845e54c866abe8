# Does it help when native code lets go of the lock?
#
# hashlib computes without the interpreter, so it lets go of the lock while it does, from 2048 bytes on. Threads hash
# buffers of four sizes; each thread does the same amount of work, whatever the number of threads.
#
# Watch   the speed-up: 2 with two cores for big buffers. Then compare 2048 bytes, where the lock is dropped for about
#         a microsecond and taken again, with 2047 bytes, where it is kept: letting go so often is a gamble, and the
#         range in brackets shows how differently it ends from run to run.
# Try     cargo lab py examples/py/hashing.py --stats
#         cargo lab py examples/py/hashing.py --gil gil32
#         cargo lab py examples/py/hashing.py --gil tick
#         cargo lab py examples/py/hashing.py --gil free   (no lock: no cliff between 2047 and 2048)
# Options --ms N (milliseconds of work of a thread)
#
# CPython 3.11 and 3.13 on two cores, measured: 1 MiB and 64 KiB 1.9-2.0 with two threads; 2047 bytes 1.00. With 2048
# bytes whole sessions differ: 0.53-0.61 with two threads and 0.40 with four in one, 0.8-2.1 in another on the same
# machine. The free-threaded 3.13: 1.2 on both sides of the threshold.
import hashlib
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


def hash_often(data, times):
    for _ in range(times):
        hashlib.sha256(data)


def timed(count, data, times):
    """The seconds that `count` threads take to hash `data` `times` times each."""
    threads = [threading.Thread(target=hash_often, args=(data, times)) for _ in range(count)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def times_for(data, seconds):
    """How often one thread can hash `data` in about this time."""
    times = 1
    while True:
        start = time.perf_counter()
        hash_often(data, times)
        elapsed = time.perf_counter() - start
        if elapsed * 4 > seconds:
            return max(1, int(times * seconds / elapsed))
        times *= 2


def main():
    chosen = options({"--ms": 60})
    seconds = chosen["--ms"] / 1000
    result = "RESULT program=hashing"
    print("bytes     MB/s with 1 thread   speed-up with 2    with 4")
    for name, size in [("1m", 1048576), ("64k", 65536), ("2048", 2048), ("2047", 2047)]:
        data = bytes(size)
        times = times_for(data, seconds)
        rates = []
        twos = []
        fours = []
        for _ in range(3):
            alone = timed(1, data, times)
            rates.append(times * size / alone / 1e6)
            twos.append(2 * alone / timed(2, data, times))
            fours.append(4 * alone / timed(4, data, times))
        rates.sort()
        twos.sort()
        fours.sort()
        two = f"{twos[1]:.2f} ({twos[0]:.2f}-{twos[2]:.2f})"
        four = f"{fours[1]:.2f} ({fours[0]:.2f}-{fours[2]:.2f})"
        print(f"{size:<8} {rates[1]:>19.0f}   {two:<18} {four}")
        result += f" b{name}_mb_s={rates[1]:.1f} b{name}_x2={twos[1]:.3f} b{name}_x4={fours[1]:.3f}"
    print(result)


if __name__ == "__main__":
    main()
