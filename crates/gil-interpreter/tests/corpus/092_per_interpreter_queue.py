# Threads that talk only through queues: the same with one lock or one heap each.
import queue
import threading


def collatz(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def worker(jobs, results):
    while True:
        job = jobs.get()
        if job is None:
            break
        low, high = job
        best = low
        for n in range(low, high):
            if collatz(n) > collatz(best):
                best = n
        results.put((low, best, collatz(best)))


jobs = queue.Queue()
results = queue.Queue()
threads = [threading.Thread(target=worker, args=(jobs, results)) for _ in range(2)]
for t in threads:
    t.start()
for low in range(1, 200, 50):
    jobs.put((low, low + 50))
for t in threads:
    jobs.put(None)
found = []
for _ in range(4):
    found.append(results.get())
for t in threads:
    t.join()
print(sorted(found))
print(max(found, key=lambda item: item[2]))
