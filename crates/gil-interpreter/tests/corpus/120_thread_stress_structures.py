# Threads that share a list and a dict: single operations stay whole under every lock.
# policies: tick gil32 gil310 gil313 free
import threading

shared_list = []
shared_dict = {}
done = threading.Event()
start = threading.Barrier(4)


def appender(me, count):
    start.wait()
    for i in range(count):
        shared_list.append((me, i))
        shared_dict[me, i] = i * i
        if i % 50 == 0:
            len(shared_list)
            shared_dict.get((me, i - 1))


def watcher(seen):
    start.wait()
    last = 0
    while not done.is_set():
        now = len(shared_list)
        if now < last:
            seen.append("the list shrank")
        last = now
        done.wait(0.0005)


seen = []
threads = [threading.Thread(target=appender, args=(n, 400)) for n in range(3)]
observer = threading.Thread(target=watcher, args=(seen,))
for t in threads + [observer]:
    t.start()
for t in threads:
    t.join()
done.set()
observer.join()
print(len(shared_list), len(shared_dict), seen)
for me in range(3):
    mine = [i for owner, i in shared_list if owner == me]
    print(me, mine == list(range(400)), sum([shared_dict[me, i] for i in range(400)]))
