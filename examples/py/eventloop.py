# Is an event loop free as soon as its long work runs in a pool thread?
#
# A loop (`selectors`) echoes TCP messages that a client in another process sends at fixed times. Now and then it must
# also compute for about 100 ms. It does so itself (inline), gives it to a thread, or gives it to a process.
#
# Watch   p99. Inline it is about the length of the work. A thread does not block the loop, but the loop then has to
#         ask for the lock after each wait, each receive and each send: p99 is a few switch intervals. A process
#         leaves it as it is when idle.
# Try     cargo lab py examples/py/eventloop.py
#         cargo lab py examples/py/eventloop.py --interval 500
#         cargo lab py examples/py/eventloop.py --gil free                 (now the thread is as good as a process)
#         cargo lab py examples/py/eventloop.py --ablate nonblocking-keeps   (calls that cannot wait keep the lock)
# Options --seconds N (of each mode), --rate N (messages in a second), --ms N (length of the work)
#
# CPython with asyncio, 200 messages in a second, measured: p99 idle 0.3-0.4 ms; inline 125-250 ms, the length of the
# work; thread 7-11 ms, 2 intervals (this plain loop: 19-36 ms); process 0.25-0.5 ms. Free-threaded 3.13: thread
# 0.4 ms.
import multiprocessing
import queue
import selectors
import socket
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


def turns_of(seconds):
    """How many turns of the countdown take this long."""
    n = 10000
    while True:
        start = time.perf_counter()
        countdown(n)
        elapsed = time.perf_counter() - start
        if elapsed * 4 > seconds:
            return int(n * seconds / elapsed)
        n *= 2


def work_off(tasks):
    """A pool of one: does what is in the queue, until it is None."""
    while True:
        turns = tasks.get()
        if turns is None:
            break
        countdown(turns)


def client(orders, answers):
    """Another process: for each order (port, seconds, rate) sends messages at fixed times, answers with latencies."""
    while True:
        order = orders.get()
        if order is None:
            break
        port, seconds, rate = order
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(60)
        latencies = []
        begin = time.perf_counter()
        for number in range(int(seconds * rate)):
            # A message that waits delays the ones behind it, and their wait counts from when they were due.
            due = begin + number / rate
            time.sleep(max(0, due - time.perf_counter()))
            sock.send(b"ping")
            sock.recv(64)
            latencies.append(time.perf_counter() - due)
        sock.close()
        latencies.sort()
        last = len(latencies) - 1
        answers.put((latencies[last // 2], latencies[int(last * 0.99)], latencies[last]))


def serve(listener, every, burst):
    """The loop: echoes messages of one connection until it is closed, and calls `burst` at fixed times."""
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    next_burst = time.perf_counter() + every / 2
    is_open = True
    while is_open:
        for key, events in selector.select(max(0, next_burst - time.perf_counter())):
            if key.fileobj is listener:
                connection, address = listener.accept()
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(connection, selectors.EVENT_READ)
            else:
                data = connection.recv(64)
                if data:
                    connection.send(data)
                else:
                    is_open = False
        if time.perf_counter() >= next_burst:
            burst()
            next_burst = time.perf_counter() + every
    selector.unregister(connection)
    selector.unregister(listener)
    selector.close()
    connection.close()


def nothing():
    pass


def main():
    chosen = options({"--seconds": 1.5, "--rate": 200, "--ms": 100})
    orders = multiprocessing.Queue()
    answers = multiprocessing.Queue()
    remote = multiprocessing.Queue()
    local = queue.Queue()
    processes = [
        multiprocessing.Process(target=client, args=(orders, answers), daemon=True),
        multiprocessing.Process(target=work_off, args=(remote,), daemon=True),
    ]
    for process in processes:
        process.start()
    thread = threading.Thread(target=work_off, args=(local,), name="pool", daemon=True)
    thread.start()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(8)
    listener.setblocking(False)
    port = listener.getsockname()[1]
    turns = turns_of(chosen["--ms"] / 1000)

    def inline():
        countdown(turns)

    def in_thread():
        local.put(turns)

    def in_process():
        remote.put(turns)

    interval = sys.getswitchinterval()
    result = f"RESULT program=eventloop interval_ms={interval * 1e3:.3f} work_ms={chosen['--ms']:.1f}"
    print(f"work of {chosen['--ms']:.0f} ms twice a second, switch interval {interval * 1e3:.1f} ms")
    print("the work runs    p50 ms     p99 ms     max ms   p99 in intervals")
    for name, burst in [("idle", nothing), ("inline", inline), ("thread", in_thread), ("process", in_process)]:
        orders.put((port, chosen["--seconds"], chosen["--rate"]))
        serve(listener, 0.5, burst)
        p50, p99, slowest = answers.get(timeout=60)
        row = f"{name:<12} {p50 * 1e3:>10.3f} {p99 * 1e3:>10.3f} {slowest * 1e3:>10.3f}"
        print(f"{row} {p99 / interval:>18.2f}")
        result += f" {name}_p50_ms={p50 * 1e3:.4f} {name}_p99_ms={p99 * 1e3:.4f} {name}_max_ms={slowest * 1e3:.4f}"
    local.put(None)
    remote.put(None)
    orders.put(None)
    thread.join()
    for process in processes:
        process.join()
    listener.close()
    print(result)


if __name__ == "__main__":
    main()
