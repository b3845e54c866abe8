# Do threads make a program faster that only computes?
#
# Each share of the work is `while n > 0: n -= 1`. Two shares are counted down one after the other (seq2), by two
# threads (thr2), by two processes (proc2); four threads (thr4) do twice the work and are compared with twice seq2.
# All four cases are played in turn, round after round, so that a busy moment of the machine meets all of them.
#
# Watch   the ratio to seq2: 1.0 means that the threads took turns, 0.5 that both cores worked.
# Try     cargo lab py examples/py/countdown.py                      (gil310: one lock, a waiter asks for it)
#         cargo lab py examples/py/countdown.py --gil tick --stats   (2.7: drop and take every 100 ticks)
#         cargo lab py examples/py/countdown.py --gil per-interp     (a lock for each interpreter)
#         cargo lab py examples/py/countdown.py --gil free           (no lock)
# Options --turns N (turns of a share), --rounds N
#
# CPython on two cores, measured: thr2 1.8 and thr4 2.5 on 2.7; both 1.00-1.06 on 3.8 to 3.13; 0.51 and 0.53 on the
# free-threaded 3.13. proc2 is 0.52-0.55 on all of them.
import multiprocessing
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


def countdown(n):
    while n > 0:
        n -= 1


def in_sequence(shares, turns):
    start = time.perf_counter()
    for _ in range(shares):
        countdown(turns)
    return time.perf_counter() - start


def in_threads(shares, turns):
    threads = [threading.Thread(target=countdown, args=(turns,)) for _ in range(shares)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


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
    start = time.perf_counter()
    for _ in children:
        go.put("go")
    for _ in children:
        done.get()
    elapsed = time.perf_counter() - start
    for process in children:
        process.join()
    return elapsed


def main():
    chosen = options({"--turns": 2000000, "--rounds": 3})
    turns = int(chosen["--turns"])
    names = ["seq2", "thr2", "thr4", "proc2"]
    seconds = {"seq2": [], "thr2": [], "thr4": [], "proc2": []}
    ratios = {"seq2": [], "thr2": [], "thr4": [], "proc2": []}
    for _ in range(int(chosen["--rounds"])):
        seconds["seq2"].append(in_sequence(2, turns))
        seconds["thr2"].append(in_threads(2, turns))
        seconds["thr4"].append(in_threads(4, turns))
        seconds["proc2"].append(in_processes(2, turns))
        base = seconds["seq2"][-1]
        for name in names:
            shares = 4 if name == "thr4" else 2
            ratios[name].append(seconds[name][-1] / (base * shares / 2))

    result = f"RESULT program=countdown turns={turns}"
    print("case     seconds    ratio to the same work in sequence")
    for name in names:
        ordered = sorted(ratios[name])
        median = ordered[len(ordered) // 2]
        second = sorted(seconds[name])[len(ordered) // 2]
        print(f"{name:<6} {second:>9.3f} {median:>8.2f}   ({ordered[0]:.2f} to {ordered[-1]:.2f})")
        result += f" {name}={median:.3f} {name}_low={ordered[0]:.3f} {name}_high={ordered[-1]:.3f}"
    turn_ns = sorted(seconds["seq2"])[len(seconds["seq2"]) // 2] / (2 * turns) * 1e9
    print(f"one turn takes {turn_ns:.1f} ns")
    print(f"{result} turn_ns={turn_ns:.2f}")


if __name__ == "__main__":
    main()
