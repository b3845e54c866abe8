# Is `n += 1` safe when several threads do it?
#
# It is four instructions: load n, load 1, add, store n. An update is lost when another thread runs between the load
# and the store. Whether it can depends on where the interpreter looks up and hands over the lock: after every
# instruction (3.9 and before), only where a loop jumps back and where a call returns (3.10 and after), or nowhere.
#
# Watch   percent lost: 0 is not the same as safe, see what one call between load and store does.
# Try     cargo lab py examples/py/counter.py                  (gil310: the first two rows lose nothing)
#         cargo lab py examples/py/counter.py --gil gil32      (3.8: looks up after every instruction)
#         cargo lab py examples/py/counter.py --gil tick       (2.7: every 100 ticks)
#         cargo lab py examples/py/counter.py --gil free       (no lock: two cores race)
#         cargo lab py examples/py/counter.py --gil per-interp (each thread counts its own n, so the sum sees none)
# Options --times N (increments of a thread), --rounds N
#
# CPython, measured with 2 threads: `n += 1` loses 23-41 % on 2.7 to 3.9, exactly 0 on 3.10 to 3.13, 32-49 % on the
# free-threaded 3.13. With a call in between all of them lose 14-49 %. With a Lock nothing is ever lost.
import sys
import threading


class Box:
    def __init__(self):
        self.value = 0


n = 0
box = Box()
lock = threading.Lock()


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


def one():
    return 1


# ANCHOR: adds
def add_to_global(times, start):
    global n
    start.wait()
    for _ in range(times):
        n += 1


def add_to_attribute(times, start):
    start.wait()
    for _ in range(times):
        box.value += 1


def add_with_call(times, start):
    global n
    start.wait()
    for _ in range(times):
        n = n + one()
# ANCHOR_END: adds


def add_with_lock(times, start):
    global n
    start.wait()
    for _ in range(times):
        with lock:
            n += 1


def lost_updates(work, count, times):
    """Lets `count` threads add 1 `times` times each, and says how many of the additions are missing."""
    global n
    n = 0
    box.value = 0
    start = threading.Event()
    threads = [threading.Thread(target=work, args=(times, start)) for _ in range(count)]
    for thread in threads:
        thread.start()
    start.set()
    for thread in threads:
        thread.join()
    return count * times - (n + box.value)


def main():
    chosen = options({"--times": 300000, "--rounds": 3})
    times = int(chosen["--times"])
    rounds = int(chosen["--rounds"])
    cases = [
        ("global", "n += 1", add_to_global, times),
        ("attribute", "box.value += 1", add_to_attribute, times),
        ("call", "n = n + one()", add_with_call, times),
        ("lock", "with lock: n += 1", add_with_lock, times // 5),
    ]
    result = f"RESULT program=counter times={times} rounds={rounds}"
    print("what                threads   percent lost in each round")
    for name, text, work, share in cases:
        for count in [2, 4]:
            lost = [lost_updates(work, count, share) for _ in range(rounds)]
            percents = [100 * one_lost / (count * share) for one_lost in lost]
            row = "".join([f"{percent:>8.1f} %" for percent in percents])
            print(f"{text:<19} {count:>7} {row}")
            median = sorted(percents)[rounds // 2]
            result += f" {name}{count}_lost={sum(lost)} {name}{count}_pct={median:.2f}"
    print(result)


if __name__ == "__main__":
    main()
