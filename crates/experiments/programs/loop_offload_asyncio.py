# The loop of loop_offload.py by asyncio, with its executors: CPython 3.7 and later.
import asyncio
import concurrent.futures


class Echo(asyncio.DatagramProtocol):
    def __init__(self, start_work, stopped):
        self.start_work = start_work
        self.stopped = stopped

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        if data == b"stop":
            self.stopped.set_result(None)
        elif data == b"burn":
            self.start_work()
        else:
            self.transport.sendto(data, address)


async def serve(port, start_work):
    loop = asyncio.get_running_loop()
    stopped = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(lambda: Echo(start_work, stopped), local_addr=("127.0.0.1", 0))
    transport.sendto(b"ready", ("127.0.0.1", port))
    await stopped
    transport.close()


async def with_executor(port, seconds, pool):
    """`None` is the usual pool of the loop, which is one of threads."""
    loop = asyncio.get_running_loop()
    works = [loop.run_in_executor(pool, burn, 0.0)]  # Starting a thread or a process is not part of the work.
    await works[0]
    await serve(port, lambda: works.append(loop.run_in_executor(pool, burn, seconds)))
    await asyncio.gather(*works)


def main():
    chosen = words({"cell": "asyncio-inline", "port": "0", "interval_us": "5000", "burn_ms": "100"})
    set_interval(float(chosen["interval_us"]) / 1e6)
    port = int(chosen["port"])
    seconds = float(chosen["burn_ms"]) / 1000.0
    case = chosen["cell"]
    if case == "asyncio-inline":
        asyncio.run(serve(port, lambda: burn(seconds)))
    elif case == "asyncio-thread":
        asyncio.run(with_executor(port, seconds, None))
    elif case == "asyncio-process":
        with concurrent.futures.ProcessPoolExecutor(1) as pool:
            asyncio.run(with_executor(port, seconds, pool))
    else:
        sys.exit("no case is called " + case)


if __name__ == "__main__":
    main()
