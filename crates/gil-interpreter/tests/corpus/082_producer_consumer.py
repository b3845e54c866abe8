# A pool of consumers on a bounded queue; sentinels end it.
# policies: tick gil32 gil310 gil313 free
import queue
import threading

jobs = queue.Queue(maxsize=3)
results = queue.Queue()
DONE = "done"


def worker(name):
    handled = 0
    while True:
        job = jobs.get()
        if job == DONE:
            jobs.task_done()
            break
        number, power = job
        results.put((number, number ** power))
        handled += 1
        jobs.task_done()
    results.put((name, handled))


workers = [threading.Thread(target=worker, args=(f"worker-{n}",)) for n in range(3)]
for w in workers:
    w.start()
for n in range(20):
    jobs.put((n, n % 4))
jobs.join()
print("all jobs handled", jobs.empty())
for w in workers:
    jobs.put(DONE)
for w in workers:
    w.join()
numbers = []
handled = {}
while not results.empty():
    key, value = results.get()
    if isinstance(key, int):
        numbers.append((key, value))
    else:
        handled[key] = value
numbers.sort()
print(numbers)
print(sorted(handled), sum(handled.values()), jobs.qsize())
