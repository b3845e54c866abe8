# Does a short switch interval help when one call takes long?
#
# The interpreter looks up and hands over the lock between instructions. A native function is one instruction: this
# program calls `sum(range(n))`, which computes for about 40 ms and never lets go, beside a thread that echoes UDP
# messages of a client in another process. It does so at the default switch interval and at a tenth of it.
#
# Watch   p50 in multiples of the call: 0, 1 or 2 (two gambles for each message), whatever the interval is.
# Try     cargo lab py examples/py/longcall.py --stats   (the longest hold is the call)
#         cargo lab py examples/py/longcall.py --gil gil32
#         cargo lab py examples/py/longcall.py --gil free
#         cargo lab py examples/py/convoy.py             (the same echo beside ordinary instructions)
# Options --ms N (length of the call), --seconds N (of each run)
#
# CPython, measured: calls of 45 ms (3.11) and 40 ms (3.13), p50 44.6 and 40.5 ms at the default interval, 44.5 and
# 40.2 ms at a tiny one; 17 to 21 messages in a second; other sessions show 2 calls (3.8), or bursts in which the echo
# wins each time (3.13). 2.7 did not finish: its waiter nearly always loses.
import multiprocessing
import queue
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


def echo(ports):
    """Receives a message and sends it back, until the message is `stop`."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    ports.put(server.getsockname()[1])
    while True:
        message, address = server.recvfrom(64)
        if message == b"stop":
            break
        server.sendto(message, address)
    server.close()


def call_often(n, stop):
    while not stop.is_set():
        sum(range(n))


def client(orders, answers):
    """Another process: for each order (port, seconds) sends messages and answers with the latencies."""
    while True:
        order = orders.get()
        if order is None:
            break
        port, seconds = order
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect(("127.0.0.1", port))
        sock.settimeout(60)
        latencies = []
        begin = time.perf_counter()
        now = begin
        while now < begin + seconds:
            start = now
            sock.send(b"ping")
            sock.recv(64)
            now = time.perf_counter()
            latencies.append(now - start)
        latencies.sort()
        last = len(latencies) - 1
        sock.send(b"stop")
        sock.close()
        answers.put((latencies[last // 2], latencies[int(last * 0.99)], len(latencies) / (now - begin)))


def call_of(seconds):
    """How long a range one call must add up to take this long, and how long it takes."""
    n = 1000
    while True:
        start = time.perf_counter()
        sum(range(n))
        elapsed = time.perf_counter() - start
        if elapsed >= seconds * 0.8 or n > 500000000:
            return n, elapsed
        if elapsed * 8 < seconds:
            n *= 4
        else:
            n = int(n * seconds / elapsed)


def measure(n, seconds, orders, answers):
    ports = queue.Queue()
    stop = threading.Event()
    # Daemons, so that Ctrl-C in the main thread ends the program.
    threads = [
        threading.Thread(target=echo, args=(ports,), name="echo", daemon=True),
        threading.Thread(target=call_often, args=(n, stop), name="caller", daemon=True),
    ]
    for thread in threads:
        thread.start()
    orders.put((ports.get(), seconds))
    answer = answers.get(timeout=seconds + 120)
    stop.set()
    for thread in threads:
        thread.join()
    return answer


def main():
    chosen = options({"--ms": 40, "--seconds": 1.5})
    orders = multiprocessing.Queue()
    answers = multiprocessing.Queue()
    process = multiprocessing.Process(target=client, args=(orders, answers), daemon=True)
    process.start()

    n, call = call_of(chosen["--ms"] / 1000)
    usual = sys.getswitchinterval()
    result = f"RESULT program=longcall call_ms={call * 1e3:.3f}"
    print(f"sum(range({n})) takes {call * 1e3:.1f} ms")
    print("interval ms     p50 ms     p99 ms   p50 in calls   msgs/s")
    for name, interval in [("usual", usual), ("tenth", usual / 10)]:
        sys.setswitchinterval(interval)
        p50, p99, messages = measure(n, chosen["--seconds"], orders, answers)
        row = f"{interval * 1e3:<10.2f} {p50 * 1e3:>11.3f} {p99 * 1e3:>10.3f}"
        print(f"{row} {p50 / call:>14.2f} {messages:>8.0f}")
        result += f" {name}_p50_ms={p50 * 1e3:.4f} {name}_p50_calls={p50 / call:.4f} {name}_msgs_s={messages:.1f}"
    sys.setswitchinterval(usual)
    orders.put(None)
    process.join()
    print(result)


if __name__ == "__main__":
    main()
