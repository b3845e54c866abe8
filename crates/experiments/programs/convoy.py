# An echo beside threads that compute. The messages come from outside, at fixed times; one run for each case.
# port=PORT is where the client waits; it sends `stop` when it has what it wants.
import socket
import threading


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
        countdown(5000)


def main():
    chosen = words({"port": "0", "spinners": "1", "interval_us": "5000", "spinning": "computing"})
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
