# What the programs share: this stands in front of each of them. They run on CPython 2.7 to 3.13 and on the interpreter of
# this repository, are told `cell=CASE name=value ...`, and print lines for the lab.
import sys
import time

now = getattr(time, "perf_counter", None) or time.time


def words(defaults):
    chosen = dict(defaults)
    for word in sys.argv[1:]:
        name, value = word.split("=", 1)
        chosen[name] = value
    return chosen


def figure(metric, values):
    sys.stdout.write("FIGURE " + metric + " " + " ".join([repr(value) for value in values]) + "\n")


def set_interval(seconds):
    """How long a waiter waits before it asks for the lock; 2.7 counts ticks instead, and keeps its usual 100."""
    set_it = getattr(sys, "setswitchinterval", None)
    if set_it is not None:
        set_it(seconds)


def best_ns(work):
    """Nanoseconds of one of the turns that `work` is told to make, the best of several tries: no busy moment counts."""
    turns = 1
    best = 0.0
    tries = 0
    while tries < 5:
        start = now()
        work(turns)
        took = now() - start
        if took < 0.004:
            turns *= 2
            continue
        tries += 1
        each = took / turns * 1e9
        if best == 0.0 or each < best:
            best = each
    return best


def countdown(n):
    while n > 0:
        n -= 1


def warm_up():
    """CPython 3.11 specialises a function after some calls: then every way computes with the same code."""
    for _ in range(20):
        countdown(100)


def burn(seconds):
    """Computes until the time is over, in pieces short enough to look at the clock."""
    end = now() + seconds
    while now() < end:
        countdown(2000)


