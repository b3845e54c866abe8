# Threads hash buffers of one size. hashlib computes without the interpreter, so it may let go of the lock meanwhile.
import hashlib
import threading

BYTES = {"large": 1 << 20, "edge": 2048, "small": 2047}


def hash_often(data, times):
    for _ in range(times):
        hashlib.sha256(data)


def wall(count, data, times):
    """The seconds that `count` threads take to hash `times` times in all."""
    share = times // count
    threads = [threading.Thread(target=hash_often, args=(data, share)) for _ in range(count)]
    start = now()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return now() - start


def main():
    chosen = words({"cell": "large-2", "times": "100", "tries": "1"})
    size, count = chosen["cell"].split("-", 1)
    data = b"x" * BYTES[size]
    if count == "speed":
        figure("hash_ns", [best_ns(lambda times: hash_often(data, times))])
        return
    times = int(chosen["times"])
    tries = int(float(chosen["tries"]))
    # One thread just before, so that both meet the machine in the same mood.
    before = []
    took = []
    for _ in range(tries):
        before.append(wall(1, data, times))
        took.append(wall(int(count), data, times))
    figure("wall_ms", [seconds * 1000.0 for seconds in took])
    figure("ratio", [took[at] / before[at] for at in range(tries)])
    # "HASH" is that of OpenSSL, which lets go of the lock; a Python that was built without it has one that does not.
    sys.stdout.write("FACT hash_type " + type(hashlib.sha256(data)).__name__ + "\n")


if __name__ == "__main__":
    main()
