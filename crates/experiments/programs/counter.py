# Two threads add 1 to the same global again and again. How many of the additions are missing in the end?
import threading

lock = threading.Lock()
n = 0


def one():
    return 1


def add(times, gate):
    global n
    gate.wait()
    for _ in range(times):
        n += 1


def add_with_call(times, gate):
    """The call lies between the load of n and its store."""
    global n
    gate.wait()
    for _ in range(times):
        n += one()


def add_with_lock(times, gate):
    global n
    gate.wait()
    for _ in range(times):
        with lock:
            n += 1


CASES = {"plain": add, "call": add_with_call, "lock": add_with_lock}


def lost_updates(work, count, times):
    gate = threading.Event()
    threads = [threading.Thread(target=work, args=(times, gate)) for _ in range(count)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    return count * times - n


def main():
    chosen = words({"cell": "plain", "times": "300000"})
    case = chosen["cell"]
    if case not in CASES:
        sys.exit("no case is called " + case)
    times = int(float(chosen["times"]))
    if case == "lock":
        # An addition with a lock may cost twenty times as much.
        times = times // 5
    # Short turns, so that there are many in which an update can be lost.
    set_interval(0.0005)
    lost = lost_updates(CASES[case], 2, times)
    figure("lost", [lost])
    figure("additions", [2 * times])
    figure("lost_percent", [100.0 * lost / (2 * times)])


if __name__ == "__main__":
    main()
