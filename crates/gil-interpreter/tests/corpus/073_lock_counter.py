# With a lock no update is ever lost.
# policies: tick gil32 gil310 gil313 free
import threading

lock = threading.Lock()
counter = 0
bank = {"a": 100, "b": 100}


def add(times):
    global counter
    for _ in range(times):
        with lock:
            counter += 1


def move(source, target, times):
    for _ in range(times):
        lock.acquire()
        try:
            if bank[source] > 0:
                bank[source] -= 1
                bank[target] += 1
        finally:
            lock.release()


threads = [threading.Thread(target=add, args=(500,)) for _ in range(4)]
threads.append(threading.Thread(target=move, args=("a", "b", 300)))
threads.append(threading.Thread(target=move, args=("b", "a", 300)))
for t in threads:
    t.start()
for t in threads:
    t.join()
print(counter, bank["a"] + bank["b"])
print(lock.locked(), lock.acquire(), lock.locked(), lock.acquire(False), lock.acquire(blocking=False), lock.acquire(timeout=0.01))
lock.release()
print(lock.locked())
try:
    lock.release()
except RuntimeError as error:
    print(error)
with lock:
    print("inside", lock.locked())
print("outside", lock.locked())
try:
    with lock:
        raise ValueError("the lock is released on the way out")
except ValueError as error:
    print(error, lock.locked())
