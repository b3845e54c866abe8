# Two threads that only compute note the time again and again; afterwards the program sees who ran when.
import threading

# What a thread does between two looks at the clock: short beside a switch interval, long beside the look.
WORK = range(500)

# Threads run so many seconds before they note anything: time for the system to give each a core of its own.
AHEAD = 0.02

# So often they note as fast as they can, with pauses in between: as many chances to be seen on two cores.
BURSTS = 20


def note_times(notes, spans, gate):
    gate.wait()
    for at in range(len(spans)):
        begin, end = spans[at]
        times = notes[at]
        while now() < begin:
            pass
        while True:
            for _ in WORK:
                pass
            time_now = now()
            if time_now >= end:
                break
            times.append(time_now)


def note_often(notes, spans, gate):
    """Looks at the clock with as few instructions in between as there can be."""
    look = now
    gate.wait()
    for at in range(len(spans)):
        begin, end = spans[at]
        note = notes[at].append
        while look() < begin:
            pass
        while 1:
            time_now = look()
            if time_now >= end:
                break
            note(time_now)


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


def few_between(mine, other, most):
    """How often `other` noted from one to `most` times between two notes of `mine`, once both had begun."""
    if not mine or not other:
        return 0
    count = 0
    place = 0
    for at in range(1, len(mine)):
        begin = mine[at - 1]
        if begin < other[0]:
            continue
        first = place
        while place < len(other) and other[place] < mine[at]:
            if other[place] <= begin:
                first = place + 1
            place += 1
        if 0 < place - first <= most:
            count += 1
    return count


def run_two(work, count, period, length):
    """What each of two threads noted in `count` spans of this length, one in each period, after some running ahead."""
    both = [[[] for _ in range(count)] for _ in range(2)]
    spans = []
    gate = threading.Event()
    threads = [threading.Thread(target=work, args=(notes, spans, gate)) for notes in both]
    for thread in threads:
        thread.start()
    begin = now() + AHEAD
    for at in range(count):
        spans.append((begin + at * period, begin + at * period + length))
    gate.set()
    for thread in threads:
        thread.join()
    return both


def turns_of(one, two, limit):
    if one and two:
        return between(one, two, limit) + between(two, one, limit) + 2
    return 1


def main():
    chosen = words({"cell": "short", "interval_ms": "5", "seconds": "0.1"})
    interval = float(chosen["interval_ms"]) / 1000.0
    seconds = float(chosen["seconds"])
    set_interval(interval)
    if chosen["cell"] == "ticks":
        # The lock of 2.7 counts instructions, not time: in a turn of a hundred there is room for many more than five notes.
        length = seconds / BURSTS / 15
        both = run_two(note_often, BURSTS, seconds / BURSTS, length)
        pairs = [(both[0][at], both[1][at]) for at in range(BURSTS)]
        together = sum([few_between(one, two, 5) + few_between(two, one, 5) for one, two in pairs])
    else:
        # With a timed lock a turn lasts an interval at least: who was there within less than half of one was there at
        # the same time.
        length = seconds
        both = run_two(note_times, 1, seconds, length)
        pairs = [(both[0][0], both[1][0])]
        one, two = pairs[0]
        together = between(one, two, interval / 2) + between(two, one, interval / 2)
    figure("together", [together])
    turns = sum([turns_of(one, two, length) for one, two in pairs])
    turn = length * len(pairs) / turns
    figure("turn_ms", [turn * 1000.0])
    figure("turn_intervals", [turn / interval])


if __name__ == "__main__":
    main()
