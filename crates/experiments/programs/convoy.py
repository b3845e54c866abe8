# An echo beside threads that compute. The messages come from outside, at fixed times; one run for each case.
#
# It runs on CPython 2.7 to 3.13 and on the interpreter of this repository. port=PORT is where the client waits; it sends
# `stop` when it has what it wants.
import socket
import sys
import threading
import time


def words(defaults):
    chosen = dict(defaults)
    for word in sys.argv[1:]:
        name, value = word.split("=", 1)
        chosen[name] = value
    return chosen


def echo(port):
    """The thread that is measured: its whole work is to receive a message and to send it back."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.sendto(b"ready", ("127.0.0.1", port))
    while True:
        message, address = server.recvfrom(64)
        if message == b"stop":
            break
        server.sendto(message, address)
    server.close()


def spin(stop, how):
    """Computes until `stop` is set, and looks at it only now and then."""
    while not stop.is_set():
        if how == "sleeping":
            time.sleep(0.001)
            continue
        n = 5000
        while n > 0:
            n -= 1


def main():
    chosen = words({"port": "0", "spinners": "1", "interval_us": "5000", "spinning": "computing"})
    set_interval = getattr(sys, "setswitchinterval", None)  # 2.7 counts ticks instead, and keeps its usual 100.
    if set_interval is not None:
        set_interval(float(chosen["interval_us"]) / 1e6)
    stop = threading.Event()
    threads = [
        threading.Thread(target=spin, args=(stop, chosen["spinning"]), name="spinner " + str(number + 1))
        for number in range(int(chosen["spinners"]))
    ]
    answering = threading.Thread(target=echo, args=(int(chosen["port"]),), name="echo")
    for thread in threads:
        thread.daemon = True
        thread.start()
    answering.start()
    answering.join()
    stop.set()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
