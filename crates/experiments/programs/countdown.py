# Counting down: the same work in sequence, by threads, by processes. One case for each run, named by cell=CASE.
#
# It runs on CPython 2.7 to 3.13 and on the interpreter of this repository, and prints lines for the lab.
import multiprocessing
import sys
import threading
import time

now = getattr(time, "perf_counter", None) or time.time


def words(defaults):
    chosen = dict(defaults)
    for word in sys.argv[1:]:
        name, value = word.split("=", 1)
        chosen[name] = value
    return chosen


def figure(metric, value):
    sys.stdout.write("FIGURE " + metric + " " + repr(value) + "\n")


def countdown(n):
    while n > 0:
        n -= 1


def speed():
    """Nanoseconds of one turn, the best of several tries, so that a busy moment does not count."""
    turns = 2000
    best = 0.0
    tries = 0
    while tries < 5:
        start = now()
        countdown(turns)
        took = now() - start
        if took < 0.004:
            turns *= 2
            continue
        tries += 1
        each = took / turns * 1e9
        if best == 0.0 or each < best:
            best = each
    return best


def in_sequence(shares, turns):
    start = now()
    for _ in range(shares):
        countdown(turns)
    return now() - start


def in_threads(shares, turns):
    threads = [threading.Thread(target=countdown, args=(turns,)) for _ in range(shares)]
    start = now()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return now() - start


def child(turns, ready, go, done):
    ready.put("ready")
    go.get()
    countdown(turns)
    done.put("done")


def in_processes(shares, turns):
    """Starting a process is not part of the work: the time runs from `go` to the last `done`."""
    ready = multiprocessing.Queue()
    go = multiprocessing.Queue()
    done = multiprocessing.Queue()
    children = [multiprocessing.Process(target=child, args=(turns, ready, go, done)) for _ in range(shares)]
    for process in children:
        process.start()
    for _ in children:
        ready.get()
    start = now()
    for _ in children:
        go.put("go")
    for _ in children:
        done.get()
    elapsed = now() - start
    for process in children:
        process.join()
    return elapsed


def main():
    chosen = words({"cell": "seq2", "turns": "100000"})
    turns = int(chosen["turns"])
    case = chosen["cell"]
    if case == "speed":
        figure("turn_ns", speed())
    elif case == "seq2":
        figure("wall_ms", in_sequence(2, turns) * 1000.0)
    elif case == "thr2":
        figure("wall_ms", in_threads(2, turns) * 1000.0)
    elif case == "thr4":
        figure("wall_ms", in_threads(4, turns) * 500.0)  # Twice the work, so half of the time counts.
    elif case == "proc2":
        figure("wall_ms", in_processes(2, turns) * 1000.0)
    else:
        sys.exit("no case is called " + case)


if __name__ == "__main__":
    main()
