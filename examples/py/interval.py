# What does a shorter switch interval buy, and what does it cost?
#
# For each interval: how long an echo waits beside one thread that computes, and how long two computing threads need
# for what one does in sequence. The first falls with the interval, the second rises only when it becomes very short.
#
# Watch   p50 against the interval: the same 0, 1 or 2 on every line. Then the right column: the price of switching.
# Try     cargo lab py examples/py/interval.py
#         cargo lab py examples/py/interval.py --gil gil310 --stats
#         cargo lab py examples/py/interval.py --gil tick --check-interval 10000   (2.7 counts ticks, not time)
# Options --intervals 0.1,1,5,20 (milliseconds), --seconds N (of each echo run), --turns N (of each computing thread)
#
# CPython 3.11 to 3.13, measured: p50 0.165, 1.07, 5.09 and 50 or 100 ms at 0.1, 1, 5 and 50 ms. Computing costs
# nothing down to 1 ms; at 0.1 ms it costs 0-5 % (3.8, 3.12, 3.13) and 50 % on 3.11.
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


def countdown(n):
    while n > 0:
        n -= 1


def spin(stop):
    while not stop.is_set():
        countdown(20000)


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


def echo_beside_spinner(seconds, orders, answers):
    ports = queue.Queue()
    stop = threading.Event()
    # Daemons, so that Ctrl-C in the main thread ends the program.
    threads = [
        threading.Thread(target=echo, args=(ports,), name="echo", daemon=True),
        threading.Thread(target=spin, args=(stop,), name="spinner", daemon=True),
    ]
    for thread in threads:
        thread.start()
    orders.put((ports.get(), seconds))
    answer = answers.get(timeout=seconds + 60)
    stop.set()
    for thread in threads:
        thread.join()
    return answer


def cost_of_turns(turns):
    """The time that two threads take, relative to one after the other."""
    start = time.perf_counter()
    countdown(turns)
    countdown(turns)
    sequential = time.perf_counter() - start
    threads = [threading.Thread(target=countdown, args=(turns,)) for _ in range(2)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - start) / sequential


def main():
    chosen = options({"--intervals": "0.1,1,5,20", "--seconds": "1", "--turns": "1000000"})
    turns = int(float(chosen["--turns"]))
    orders = multiprocessing.Queue()
    answers = multiprocessing.Queue()
    process = multiprocessing.Process(target=client, args=(orders, answers), daemon=True)
    process.start()

    usual = sys.getswitchinterval()
    result = "RESULT program=interval"
    print("interval ms     p50 ms     p99 ms   p50 in intervals   msgs/s   2 threads / in sequence")
    for word in chosen["--intervals"].split(","):
        interval = float(word) / 1000
        sys.setswitchinterval(interval)
        p50, p99, messages = echo_beside_spinner(float(chosen["--seconds"]), orders, answers)
        ratio = sorted([cost_of_turns(turns) for _ in range(3)])[1]
        row = f"{interval * 1e3:<10.2f} {p50 * 1e3:>11.3f} {p99 * 1e3:>10.3f} {p50 / interval:>18.3f}"
        print(f"{row} {messages:>8.0f} {ratio:>25.2f}")
        result += f" i{word}_p50_ms={p50 * 1e3:.4f} i{word}_p50_x={p50 / interval:.4f} i{word}_ratio={ratio:.3f}"
    sys.setswitchinterval(usual)
    orders.put(None)
    process.join()
    print(result)


if __name__ == "__main__":
    main()
