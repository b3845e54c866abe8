# Work and results travel between processes through queues.
# policies: tick gil310 free per-interp
import multiprocessing


def square_all(jobs, results):
    while True:
        job = jobs.get()
        if job is None:
            break
        name, number = job
        results.put({"name": name, "square": number * number, "parts": [number, (number, 1.5)]})


def is_prime(n):
    if n < 2:
        return False
    for d in range(2, int(n ** 0.5) + 1):
        if n % d == 0:
            return False
    return True


def count_primes(low, high, results):
    results.put((low, len([n for n in range(low, high) if is_prime(n)])))


def main():
    jobs = multiprocessing.Queue()
    results = multiprocessing.Queue()
    worker = multiprocessing.Process(target=square_all, args=(jobs, results))
    worker.start()
    for n in range(4):
        jobs.put((f"job {n}", n))
    jobs.put(None)
    for _ in range(4):
        print(results.get())
    worker.join()
    print("exit", worker.exitcode)
    counts = multiprocessing.Queue()
    parts = [multiprocessing.Process(target=count_primes, args=(i * 500, (i + 1) * 500, counts)) for i in range(3)]
    for part in parts:
        part.start()
    found = sorted([counts.get() for _ in parts])
    for part in parts:
        part.join()
    print(found, sum([count for _, count in found]))


if __name__ == "__main__":
    main()
