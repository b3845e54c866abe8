# An event loop that echoes messages and must also compute for a while: itself, in a thread, or in a process.
#
# It runs on CPython 2.7 to 3.13 and on the interpreter of this repository. port=PORT is where the client waits; its
# message `burn` starts the work, `stop` ends the program, and every other one is sent back at once.
import multiprocessing
import socket
import sys
import threading
import time

try:
    import selectors
except ImportError:
    selectors = None  # 2.7: see Poller.

now = getattr(time, "perf_counter", None) or time.time


def words(defaults):
    chosen = dict(defaults)
    for word in sys.argv[1:]:
        name, value = word.split("=", 1)
        chosen[name] = value
    return chosen


class Poller:
    """Waits until one of several sockets is readable: by `selectors`, or by `select` on 2.7, which has no selectors.

    `select` is no module of our interpreter, so it is not imported by name: multiprocessing of 2.7 has done so.
    """

    def __init__(self):
        self.sockets = []
        self.select = None
        self.selector = None
        if selectors is None:
            self.select = getattr(sys, "modules")["select"].select
        else:
            self.selector = selectors.DefaultSelector()

    def add(self, sock):
        self.sockets.append(sock)
        if self.selector is not None:
            self.selector.register(sock, selectors.EVENT_READ)

    def ready(self):
        if self.selector is not None:
            return [key.fileobj for key, _ in self.selector.select()]
        return self.select(self.sockets, [], [])[0]


def burn(seconds):
    """Computes until the time is over, in pieces short enough to look at the clock."""
    end = now() + seconds
    while now() < end:
        n = 2000
        while n > 0:
            n -= 1


def child(tasks, answers):
    """A pool of one process: computes as long as it is told to, until it is told None."""
    answers.put("ready")
    while True:
        seconds = tasks.get()
        if seconds is None:
            break
        burn(seconds)


def serve(port, start_work):
    """The loop: one callback for each message."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.setblocking(False)
    poller = Poller()
    poller.add(server)
    server.sendto(b"ready", ("127.0.0.1", port))
    running = True
    while running:
        for sock in poller.ready():
            message, address = sock.recvfrom(64)
            if message == b"stop":
                running = False
            elif message == b"burn":
                start_work()
            else:
                sock.sendto(message, address)
    server.close()


def main():
    chosen = words({"cell": "idle", "port": "0", "interval_us": "5000", "burn_ms": "100"})
    set_interval = getattr(sys, "setswitchinterval", None)  # 2.7 counts ticks instead, and keeps its usual 100.
    if set_interval is not None:
        set_interval(float(chosen["interval_us"]) / 1e6)
    port = int(chosen["port"])
    seconds = float(chosen["burn_ms"]) / 1000.0
    case = chosen["cell"]
    if case == "idle":
        serve(port, lambda: None)
    elif case == "inline":
        serve(port, lambda: burn(seconds))
    elif case == "thread":
        threads = []

        def in_thread():
            thread = threading.Thread(target=burn, args=(seconds,), name="pool")
            threads.append(thread)
            thread.start()

        serve(port, in_thread)
        for thread in threads:
            thread.join()
    elif case == "process":
        tasks = multiprocessing.Queue()
        answers = multiprocessing.Queue()
        process = multiprocessing.Process(target=child, args=(tasks, answers))
        process.start()
        answers.get()
        serve(port, lambda: tasks.put(seconds))
        tasks.put(None)
        process.join()
    else:
        sys.exit("no case is called " + case)


if __name__ == "__main__":
    main()
