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


def figure(metric, values):
    text = " ".join([repr(value) for value in values])
    sys.stdout.write("FIGURE " + metric + " " + text + "\n")


def countdown(n):
    while n > 0:
        n -= 1


def count_in_dict(n):
    counts = {"turns": 0}
    while n > 0:
        counts["turns"] = counts["turns"] + 1
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


def in_sequence(shares, turns, work=countdown):
    start = now()
    for _ in range(shares):
        work(turns)
    return now() - start


def in_threads(shares, turns):
    threads = [threading.Thread(target=countdown, args=(turns,)) for _ in range(shares)]
    start = now()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return now() - start


def child(turns, tries, ready, go, done):
    ready.put("ready")
    for _ in range(tries):
        go.get()
        countdown(turns)
        done.put("done")


def in_processes(shares, turns, tries):
    """Starting a process is not part of the work: the time runs from `go` to the last `done`, once for each try."""
    ready = multiprocessing.Queue()
    # Each child has its own, so that none takes the `go` of another.
    gos = [multiprocessing.Queue() for _ in range(shares)]
    done = multiprocessing.Queue()
    children = [multiprocessing.Process(target=child, args=(turns, tries, ready, go, done)) for go in gos]
    for process in children:
        process.start()
    for _ in children:
        ready.get()
    took = []
    for _ in range(tries):
        start = now()
        for go in gos:
            go.put("go")
        for _ in children:
            done.get()
        took.append(now() - start)
    for process in children:
        process.join()
    return took


def main():
    chosen = words({"cell": "seq2", "turns": "100000", "tries": "1"})
    turns = int(chosen["turns"])
    tries = range(int(float(chosen["tries"])))
    case = chosen["cell"]
    if case == "speed":
        figure("turn_ns", [speed()])
        return
    if case == "seq2":
        took = [in_sequence(2, turns) for _ in tries]
    elif case == "objects":
        took = [in_sequence(1, turns, count_in_dict) for _ in tries]
    elif case == "thr2":
        took = [in_threads(2, turns) for _ in tries]
    elif case == "thr4":
        took = [in_threads(4, turns // 2) for _ in tries]
    elif case == "proc2":
        took = in_processes(2, turns, len(tries))
    else:
        sys.exit("no case is called " + case)
    figure("wall_ms", [seconds * 1000.0 for seconds in took])


if __name__ == "__main__":
    main()
