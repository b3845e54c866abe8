# Semaphores limit how many threads are inside; bounded ones count releases.
# policies: tick gil32 gil310 gil313 free
import threading
import time

semaphore = threading.Semaphore(2)
lock = threading.Lock()
inside = 0
most = 0
visits = 0


def visit():
    global inside, most, visits
    with semaphore:
        with lock:
            inside += 1
            visits += 1
            most = max(most, inside)
        time.sleep(0.002)
        with lock:
            inside -= 1


threads = [threading.Thread(target=visit) for _ in range(8)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(visits, inside, most <= 2, most >= 1)
print(semaphore.acquire(), semaphore.acquire(blocking=False), semaphore.acquire(blocking=False), semaphore.acquire(timeout=0.01))
semaphore.release()
semaphore.release(2)
print([semaphore.acquire(False) for _ in range(4)])
bounded = threading.BoundedSemaphore(1)
bounded.acquire()
bounded.release()
try:
    bounded.release()
except ValueError as error:
    print(error)
try:
    threading.Semaphore(-1)
except ValueError as error:
    print(error)
# A semaphore of zero is a signal: the waiter goes on after the release.
ready = threading.Semaphore(0)
log = []


def waiter():
    ready.acquire()
    log.append("waiter")


t = threading.Thread(target=waiter)
t.start()
log.append("main")
ready.release()
t.join()
print(log)
