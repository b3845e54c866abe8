# A reentrant lock: recursion by its owner, exclusion of others.
# policies: tick gil32 gil310 gil313 free
import threading

rlock = threading.RLock()
total = 0


def nested(depth):
    global total
    with rlock:
        if depth > 0:
            before = total
            nested(depth - 1)
            total += 1
            assert total == before + depth, "another thread was inside"


threads = [threading.Thread(target=nested, args=(20,)) for _ in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(total)
print(rlock.acquire(), rlock.acquire(), rlock.acquire(blocking=False))
outcome = []


def try_from_outside():
    outcome.append(rlock.acquire(blocking=False))
    outcome.append(rlock.acquire(timeout=0.01))


def check():
    outcome.clear()
    t = threading.Thread(target=try_from_outside)
    t.start()
    t.join()
    return outcome


print(check())
rlock.release()
rlock.release()
print(check())
rlock.release()


def release_foreign():
    try:
        rlock.release()
    except RuntimeError as error:
        outcome.append(str(error))


outcome.clear()
t = threading.Thread(target=release_foreign)
t.start()
t.join()
print(outcome)
try:
    rlock.release()
except RuntimeError as error:
    print(error)
