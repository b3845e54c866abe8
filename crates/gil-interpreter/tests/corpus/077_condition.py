# Condition: wait, notify, wait_for, time-out, use without the lock.
# policies: tick gil32 gil310 gil313 free
import threading

condition = threading.Condition()
items = []
taken = []


def consumer(count):
    for _ in range(count):
        with condition:
            while not items:
                condition.wait()
            taken.append(items.pop(0))
            condition.notify_all()


def producer(count):
    for i in range(count):
        with condition:
            condition.wait_for(lambda: len(items) < 2)
            items.append(i)
            condition.notify_all()


threads = [threading.Thread(target=consumer, args=(10,)) for _ in range(2)]
threads.append(threading.Thread(target=producer, args=(20,)))
for t in threads:
    t.start()
for t in threads:
    t.join()
print(taken == list(range(20)), items)
with condition:
    print(condition.wait(0.01), condition.wait_for(lambda: False, 0.01), condition.wait_for(lambda: "truth"))
    condition.notify()
    condition.notify(5)
for name in ["wait", "notify"]:
    try:
        if name == "wait":
            condition.wait()
        else:
            condition.notify()
    except RuntimeError as error:
        print(error)
turn = 0
log = []
lock = threading.Lock()
shared = threading.Condition(lock)


def in_turn(me, players, rounds):
    global turn
    for _ in range(rounds):
        with shared:
            shared.wait_for(lambda: turn % players == me)
            log.append(me)
            turn += 1
            shared.notify_all()


threads = [threading.Thread(target=in_turn, args=(n, 3, 4)) for n in range(3)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(log, lock.locked())
