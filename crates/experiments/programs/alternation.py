# Two threads that only compute note the time again and again; afterwards the program sees who ran when.
#
# It runs on CPython 2.7 to 3.13 and on the interpreter of this repository, and prints lines for the lab.
import sys
import threading
import time

now = getattr(time, "perf_counter", None) or time.time

# What a thread does between two looks at the clock: short beside a switch interval, long beside the look.
WORK = range(500)


def words(defaults):
    chosen = dict(defaults)
    for word in sys.argv[1:]:
        name, value = word.split("=", 1)
        chosen[name] = value
    return chosen


def figure(metric, value):
    sys.stdout.write("FIGURE " + metric + " " + repr(value) + "\n")


def note_times(times, stop, gate):
    gate.wait()
    while True:
        for _ in WORK:
            pass
        time_now = now()
        if time_now >= stop[0]:
            return
        times.append(time_now)


def between(mine, other, limit):
    """How often `other` was there between two times of `mine` that are less than `limit` apart."""
    count = 0
    place = 0
    for at in range(1, len(mine)):
        begin = mine[at - 1]
        end = mine[at]
        while place < len(other) and other[place] <= begin:
            place += 1
        if end - begin < limit and place < len(other) and other[place] < end:
            count += 1
    return count


def run_two(seconds):
    """The times that each of two threads noted within so many seconds."""
    both = [[], []]
    stop = [0.0]
    gate = threading.Event()
    threads = [threading.Thread(target=note_times, args=(times, stop, gate)) for times in both]
    for thread in threads:
        thread.start()
    stop[0] = now() + seconds
    gate.set()
    for thread in threads:
        thread.join()
    return both


def main():
    chosen = words({"cell": "short", "interval_ms": "5", "seconds": "0.1"})
    interval = float(chosen["interval_ms"]) / 1000.0
    seconds = float(chosen["seconds"])
    set_interval = getattr(sys, "setswitchinterval", None)
    if set_interval:
        set_interval(interval)
    one, two = run_two(seconds)
    # With a timed lock a turn lasts an interval at least: who was there within less than half of one was there at the
    # same time. The lock of 2.7 counts ticks, so there it says nothing.
    if chosen["cell"] != "ticks":
        figure("together", between(one, two, interval / 2) + between(two, one, interval / 2))
    returns = between(one, two, seconds) + between(two, one, seconds)
    if one and two:
        turns = returns + 2
    else:
        turns = 1
    figure("turn_ms", seconds * 1000.0 / turns)
    figure("turn_intervals", seconds / turns / interval)
    figure("notes", len(one) + len(two))


if __name__ == "__main__":
    main()
