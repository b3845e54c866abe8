# How long does a small answer wait beside threads that compute?
#
# One thread echoes UDP messages, k others count down. A client in another process sends a message and waits for its
# echo. Receiving lets go of the lock; to answer, the echo thread must have it again, and asks a thread that computes:
# which gives it up after one switch interval. With more of them it may even be their turn first: the convoy.
#
# Watch   p50 in multiples of the switch interval. With one spinner it is 0, 1 or 2: receiving and sending are two
#         gambles for the lock, and a lost one costs an interval. Look at every run, not only at the middle one.
# Try     cargo lab py examples/py/convoy.py --stats                    (who waits for whom)
#         cargo lab py examples/py/convoy.py --interval 1000            (a shorter interval, a shorter wait)
#         cargo lab py examples/py/convoy.py --gil tick                 (2.7: microseconds, and what it costs)
#         cargo lab py examples/py/convoy.py --gil free
#         cargo lab py examples/py/convoy.py --gil gil310 --ablate no-forced-switch   (remove one rule: it gets worse)
# Options --mode closed|paced (closed: the next message when the echo is in; paced: at fixed times, waits counted from
#         then), --spinners 0,1,2,4, --runs N, --seconds N (of each run), --rate N (messages in a second when paced)
#
# CPython 3.8, 3.11 and 3.12 at 5 ms, measured, closed: p50 0.003, 1.02, 3.1 and 4.2 intervals beside 0, 1, 2 and 4
# spinners, and 73000, 190, 60 and 37 messages in a second. 3.13 jumps between 1.02 and 0.001 with one spinner. 2.7
# and the free-threaded 3.13 stay below 0.005 intervals, but 2.7 switches threads 190000 times in a second for it.
import multiprocessing
import queue
import socket
import sys
import threading
import time


def options(defaults):
    """Reads `--name value` pairs from the command line over these defaults."""
    chosen = dict(defaults)
    words = sys.argv[1:]
    while words:
        if words[0] not in chosen or len(words) == 1:
            sys.exit("usage: " + sys.argv[0] + " [NAME VALUE]... with the names " + ", ".join(sorted(chosen)))
        chosen[words[0]] = words[1]
        words = words[2:]
    return chosen


def echo(ports):
    """The thread that is measured: receives a message and sends it back, until the message is `stop`."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    ports.put(server.getsockname()[1])
    while True:
        message, address = server.recvfrom(64)
        if message == b"stop":
            break
        server.sendto(message, address)
    server.close()


def spin(stop, turns):
    """Counts down until `stop` is set, and looks at it only now and then."""
    done = 0
    while not stop.is_set():
        n = 20000
        while n > 0:
            n -= 1
        done += 20000
    turns.put(done)


def client(orders, answers):
    """Another process: for each order (port, mode, seconds, rate) sends messages and answers with the latencies."""
    while True:
        order = orders.get()
        if order is None:
            break
        port, mode, seconds, rate = order
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect(("127.0.0.1", port))
        sock.settimeout(30)
        latencies = []
        sent = 0
        begin = time.perf_counter()
        due = begin
        while due < begin + seconds:
            if mode == "paced":
                # Gaps of 0.5 to 1.5 times the average, so that no message keeps step with the switches.
                due += (0.5 + (sent * 0.618034) % 1) / rate
                time.sleep(max(0, due - time.perf_counter()))
            sock.send(b"ping")
            sock.recv(64)
            now = time.perf_counter()
            latencies.append(now - due)
            sent += 1
            if mode == "closed":
                due = now
        latencies.sort()
        last = len(latencies) - 1
        sock.send(b"stop")
        sock.close()
        answers.put((latencies[last // 2], latencies[int(last * 0.99)], latencies[last], sent / (now - begin)))


def measure(spinners, mode, seconds, rate, orders, answers):
    """One run: p50, p99, max (seconds), messages in a second, turns of the spinners in a second."""
    ports = queue.Queue()
    turns = queue.Queue()
    stop = threading.Event()
    # Daemons, so that Ctrl-C in the main thread ends the program.
    threads = [threading.Thread(target=echo, args=(ports,), name="echo", daemon=True)]
    for number in range(spinners):
        name = f"spinner {number + 1}"
        threads.append(threading.Thread(target=spin, args=(stop, turns), name=name, daemon=True))
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    orders.put((ports.get(), mode, seconds, rate))
    p50, p99, slowest, messages = answers.get(timeout=seconds + 60)
    stop.set()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - start
    done = sum([turns.get() for _ in range(spinners)])
    return p50, p99, slowest, messages, done / elapsed


def main():
    chosen = options({"--mode": "closed", "--spinners": "0,1,2,4", "--runs": "3", "--seconds": "0.5", "--rate": "20"})
    mode = chosen["--mode"]
    if mode != "closed" and mode != "paced":
        sys.exit("--mode is closed or paced")
    interval = sys.getswitchinterval()
    # The process is started before any thread, so that it may be a copy of this one.
    orders = multiprocessing.Queue()
    answers = multiprocessing.Queue()
    process = multiprocessing.Process(target=client, args=(orders, answers), daemon=True)
    process.start()

    result = f"RESULT program=convoy mode={mode} interval_ms={interval * 1000:.3f}"
    print(f"switch interval {interval * 1000:.3f} ms, {mode} loop; one line for each run")
    print("spinners   p50 ms    p99 ms    max ms   p50 in intervals    msgs/s   M turns/s")
    for spinners in [int(word) for word in chosen["--spinners"].split(",")]:
        runs = []
        for _ in range(int(chosen["--runs"])):
            run = measure(spinners, mode, float(chosen["--seconds"]), float(chosen["--rate"]), orders, answers)
            p50, p99, slowest, messages, turns = run
            row = f"{spinners:<8} {p50 * 1e3:>8.3f} {p99 * 1e3:>9.3f} {slowest * 1e3:>9.3f} {p50 / interval:>18.3f}"
            print(f"{row} {messages:>9.0f} {turns / 1e6:>11.1f}")
            runs.append(run)
        multiples = [f"{run[0] / interval:.4f}" for run in runs]
        middle = sorted(runs)[len(runs) // 2]
        result += f" k{spinners}_p50_ms={middle[0] * 1e3:.4f} k{spinners}_p50_x={middle[0] / interval:.4f}"
        result += f" k{spinners}_p99_ms={middle[1] * 1e3:.4f} k{spinners}_max_ms={middle[2] * 1e3:.4f}"
        result += f" k{spinners}_msgs_s={middle[3]:.1f} k{spinners}_turns_m_s={middle[4] / 1e6:.3f}"
        result += f" k{spinners}_runs_x={','.join(multiples)}"
    orders.put(None)
    process.join()
    print(result)


if __name__ == "__main__":
    main()
