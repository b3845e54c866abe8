# An event loop that echoes messages and must also compute for a while: itself, in a thread, or in a process.
# port=PORT is where the client waits; its message `burn` starts the work, `stop` ends the program, and every other one is
# sent back at once.
import socket
import threading


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
