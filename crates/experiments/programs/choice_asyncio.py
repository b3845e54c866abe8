# The tasks of choice.py in one thread with asyncio: CPython 3.7 and later.
import asyncio
import socket


async def ask(port):
    """Waits: sends a question and lets the loop turn until the answer is there."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.connect(("127.0.0.1", port))
    sock.send(b"ask")
    await asyncio.get_running_loop().sock_recv(sock, 64)
    sock.close()


async def compute(turns):
    """Computes in pieces, so that the loop can turn in between."""
    piece = turns // 10 + 1
    while turns > 0:
        countdown(min(turns, piece))
        turns -= piece
        await asyncio.sleep(0)


TASKS = {"socket": ask, "compute": compute}


async def together(kind, amount, count):
    start = now()
    await asyncio.gather(*[TASKS[kind](amount) for _ in range(count)])
    return now() - start


def times_sequence(turns, count):
    """The time of a loop that computes, in processor time of a sequence right before it: the machine is the same then."""
    before = time.process_time()
    for _ in range(count):
        countdown(turns)
    work = time.process_time() - before
    return asyncio.run(together("compute", turns, count)) / max(work, 1e-6)


def main():
    chosen = words({"cell": "socket/asyncio", "port": "0", "turns": "100000", "waiters": "8", "computers": "4", "times": "1"})
    warm_up()
    kind = chosen["cell"].split("/")[0]
    amount = int(chosen["port" if kind == "socket" else "turns"])
    count = int(chosen["waiters" if kind == "socket" else "computers"])
    walls = [asyncio.run(together(kind, amount, count)) for _ in range(int(chosen["times"]))]
    figure("wall_ms", [seconds * 1000.0 for seconds in walls])
    if kind == "compute":
        figure("times_sequence", [times_sequence(amount // 4, count) for _ in range(4)])


if __name__ == "__main__":
    main()
