# What does a process cost that a thread does not, and what does it give?
#
# A process has its own interpreter with its own lock and its own objects; a thread shares all three. Four questions
# to both: how long does it take to start one, how long does a message there and back take, does it see a global
# variable change, and how much faster do two of them compute than one after the other?
#
# Watch   the last two columns: what is shared is what the lock must guard.
# Try     cargo lab py examples/py/processes.py
#         cargo lab py examples/py/processes.py --gil per-interp   (threads with a lock and objects of their own)
#         cargo lab py examples/py/processes.py --gil free         (threads that share all and need no turns)
# Options --turns N (turns of a share of the work), --messages N
#
# CPython 3.8 to 3.13 on two cores, measured: two threads need 1.00-1.06 of the time in sequence, two processes
# 0.52-0.55, two interpreters with a lock each (3.12) 0.55-0.60; such an interpreter takes about 7 ms to make.
import multiprocessing
import queue
import sys
import threading
import time

shared = 0


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


def countdown(n):
    while n > 0:
        n -= 1


def helper(inbox, outbox):
    """Sends back what it gets; a number is counted down first; None ends it."""
    global shared
    shared = 1
    outbox.put("ready")
    while True:
        task = inbox.get()
        if task is None:
            break
        if task != "ping":
            countdown(task)
        outbox.put("done")


def median(values):
    return sorted(values)[len(values) // 2]


def ask(kind, new_queue, new_helper, turns, messages):
    """Starts two helpers and asks them the four questions."""
    global shared
    shared = 0
    inboxes = [new_queue(), new_queue()]
    outbox = new_queue()
    # Daemons, so that Ctrl-C in the main thread ends the program.
    helpers = [new_helper(target=helper, args=(inbox, outbox), daemon=True) for inbox in inboxes]
    starts = []
    for one in helpers:
        start = time.perf_counter()
        one.start()
        outbox.get()
        starts.append(time.perf_counter() - start)
    sees = shared == 1

    trips = []
    for _ in range(messages):
        start = time.perf_counter()
        inboxes[0].put("ping")
        outbox.get()
        trips.append(time.perf_counter() - start)

    ratios = []
    for _ in range(3):
        start = time.perf_counter()
        countdown(turns)
        countdown(turns)
        sequential = time.perf_counter() - start
        start = time.perf_counter()
        for inbox in inboxes:
            inbox.put(turns)
        for _ in inboxes:
            outbox.get()
        ratios.append((time.perf_counter() - start) / sequential)

    for inbox in inboxes:
        inbox.put(None)
    for one in helpers:
        one.join()
    start_ms = median(starts) * 1000
    trip_us = median(trips) * 1000000
    ratio = median(ratios)
    print(f"{kind:<8} {start_ms:>14.2f} {trip_us:>19.1f} {'yes' if sees else 'no':>13} {ratio:>19.2f}")
    result = f" {kind}_start_ms={start_ms:.3f} {kind}_trip_us={trip_us:.2f}"
    return result + f" {kind}_shares={int(sees)} {kind}_ratio={ratio:.3f}"


def main():
    chosen = options({"--turns": 2000000, "--messages": 500})
    turns = int(chosen["--turns"])
    messages = int(chosen["--messages"])
    print("helper   start one (ms)   message round (us)   sees global   time of 2 / in seq.")
    # Processes first: a program that has no threads yet may be copied without risk.
    result = ask("process", multiprocessing.Queue, multiprocessing.Process, turns, messages)
    result += ask("thread", queue.Queue, threading.Thread, turns, messages)
    print("RESULT program=processes" + result)


if __name__ == "__main__":
    main()
