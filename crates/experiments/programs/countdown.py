# Counting down: the same work by threads or processes, and just before it in sequence, so that both meet the machine in
# the same mood. One case for each run, named by cell=CASE.
import multiprocessing
import threading


def count_in_dict(n):
    counts = {"turns": 0}
    while n > 0:
        counts["turns"] = counts["turns"] + 1
        n -= 1


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


class Children:
    """Processes that have started and wait: starting one is not part of the work."""

    def __init__(self, shares, turns, tries):
        ready = multiprocessing.Queue()
        # Each child has its own, so that none takes the `go` of another.
        self.gos = [multiprocessing.Queue() for _ in range(shares)]
        self.done = multiprocessing.Queue()
        arguments = [(turns, tries, ready, go, self.done) for go in self.gos]
        self.processes = [multiprocessing.Process(target=child, args=each) for each in arguments]
        for process in self.processes:
            process.start()
        for _ in self.processes:
            ready.get()

    def work(self):
        start = now()
        for go in self.gos:
            go.put("go")
        for _ in self.gos:
            self.done.get()
        return now() - start

    def join(self):
        for process in self.processes:
            process.join()


def main():
    chosen = words({"cell": "thr2", "turns": "100000", "tries": "1"})
    turns = int(chosen["turns"])
    tries = int(float(chosen["tries"]))
    case = chosen["cell"]
    if case == "speed":
        figure("turn_ns", [best_ns(countdown)])
        return
    children = None
    if case == "proc2":
        children = Children(2, turns, tries)
    elif case == "proc4":
        children = Children(4, turns // 2, tries)
    before = []
    took = []
    for _ in range(tries):
        before.append(in_sequence(2, turns))
        if case == "thr2":
            took.append(in_threads(2, turns))
        elif case == "thr4":
            took.append(in_threads(4, turns // 2))
        elif children:
            took.append(children.work())
        elif case == "dict":
            # It takes several times as long as counting a local.
            took.append(in_sequence(2, turns // 5, count_in_dict))
        else:
            sys.exit("no case is called " + case)
    if children:
        children.join()
    figure("wall_ms", [seconds * 1000.0 for seconds in took])
    figure("ratio", [took[at] / before[at] for at in range(tries)])


if __name__ == "__main__":
    main()
