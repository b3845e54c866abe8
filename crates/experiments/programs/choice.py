# Waiting and computing, each one after the other, in threads, in processes and in an event loop. One case for each run.
# A task sleeps, or asks a service over a socket, which takes its time, or computes.
import socket
import threading

processor_time = getattr(time, "process_time", None) or time.clock


def connected(port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(("127.0.0.1", port))
    return sock


def ask(port):
    """Waits: sends a question and sleeps in the kernel until the answer is there."""
    sock = connected(port)
    sock.settimeout(20)
    sock.send(b"ask")
    sock.recv(64)
    sock.close()


class Loop:
    """An event loop: callbacks that are due, and callbacks for sockets that become readable."""

    def __init__(self):
        self.poller = Poller()
        self.due = []
        self.waiting = {}

    def soon(self, call):
        self.due.append(call)

    def when_readable(self, sock, call):
        self.poller.add(sock)
        self.waiting[sock.fileno()] = call

    def run(self):
        while self.due or self.waiting:
            calls = self.due
            self.due = []
            for call in calls:
                call()
            if not self.due and self.waiting:
                for sock in self.poller.ready():
                    call = self.waiting.pop(sock.fileno())
                    self.poller.remove(sock)
                    call()


class Asking:
    """The task that waits, as callbacks of a loop."""

    def __init__(self, loop, port):
        self.loop = loop
        self.port = port

    def start(self):
        self.sock = connected(self.port)
        self.sock.setblocking(False)
        self.sock.send(b"ask")
        self.loop.when_readable(self.sock, self.answered)

    def answered(self):
        self.sock.recv(64)
        self.sock.close()


class Counting:
    """The task that computes, in pieces, so that the loop can turn in between."""

    def __init__(self, loop, turns):
        self.loop = loop
        self.left = turns
        self.piece = turns // 10 + 1

    def start(self):
        turns = min(self.left, self.piece)
        countdown(turns)
        self.left -= turns
        if self.left > 0:
            self.loop.soon(self.start)


TASKS = {"sleep": time.sleep, "socket": ask, "compute": countdown}
CALLBACKS = {"socket": Asking, "compute": Counting}


def in_sequence(kind, amount, count):
    start = now()
    for _ in range(count):
        TASKS[kind](amount)
    return 0.0, now() - start


def in_loop(kind, amount, count):
    loop = Loop()
    start = now()
    for _ in range(count):
        loop.soon(CALLBACKS[kind](loop, amount).start)
    loop.run()
    return 0.0, now() - start


def times_sequence(turns, count):
    """The time of a loop that computes, in processor time of a sequence right before it: the machine is the same then."""
    before = processor_time()
    in_sequence("compute", turns, count)
    work = processor_time() - before
    return in_loop("compute", turns, count)[1] / max(work, 1e-6)


def held(go, kind, amount):
    go.wait()
    TASKS[kind](amount)


def in_threads(kind, amount, count):
    """Starting is timed apart: the work runs from `go` to the last end."""
    go = threading.Event()
    begin = now()
    threads = [threading.Thread(target=held, args=(go, kind, amount)) for _ in range(count)]
    for thread in threads:
        thread.start()
    start = now()
    go.set()
    for thread in threads:
        thread.join()
    return start - begin, now() - start


def child(kind, amount, ready, go, done):
    warm_up()
    ready.put("ready")
    go.get()
    TASKS[kind](amount)
    done.put("done")


def in_processes(kind, amount, count):
    ready = multiprocessing.Queue()
    go = multiprocessing.Queue()
    done = multiprocessing.Queue()
    begin = now()
    children = [multiprocessing.Process(target=child, args=(kind, amount, ready, go, done)) for _ in range(count)]
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
    return start - begin, elapsed


HOW = {"sequence": in_sequence, "threads": in_threads, "processes": in_processes, "loop": in_loop}


def main():
    chosen = words({
        "cell": "sleep/sequence",
        "port": "0",
        "wait_ms": "10",
        "turns": "100000",
        "waiters": "8",
        "computers": "4",
        "times": "1",
    })
    warm_up()
    if chosen["cell"] == "speed":
        figure("turn_ns", [best_ns(countdown)])
        return
    kind, how = chosen["cell"].split("/")
    amounts = {"sleep": float(chosen["wait_ms"]) / 1000.0, "socket": int(chosen["port"]), "compute": int(chosen["turns"])}
    amount = amounts[kind]
    count = int(chosen["computers" if kind == "compute" else "waiters"])
    starts = []
    walls = []
    for _ in range(int(chosen["times"])):
        start, wall = HOW[how](kind, amount, count)
        starts.append(start * 1000.0)
        walls.append(wall * 1000.0)
    figure("wall_ms", walls)
    if how == "threads" or how == "processes":
        figure("start_ms", starts)
    if chosen["cell"] == "compute/loop":
        figure("times_sequence", [times_sequence(amount // 4, count) for _ in range(4)])


if __name__ == "__main__":
    main()
