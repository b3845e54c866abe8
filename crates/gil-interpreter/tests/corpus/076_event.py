# Events: wait, set, clear, time-out; many waiters.
# policies: tick gil32 gil310 gil313 free
import threading

event = threading.Event()
print(event.is_set(), event.wait(0.01), event.wait(timeout=0))
order = []
lock = threading.Lock()


def waiter(n):
    event.wait()
    with lock:
        order.append(n)


threads = [threading.Thread(target=waiter, args=(n,)) for n in range(4)]
for t in threads:
    t.start()
print(order)
event.set()
for t in threads:
    t.join()
print(sorted(order), event.is_set(), event.wait(), event.wait(5))
event.clear()
print(event.is_set(), event.wait(0.001))
# Two threads that take turns by a pair of events.
ping, pong = threading.Event(), threading.Event()
log = []


def player(name, mine, other, rounds):
    for i in range(rounds):
        mine.wait()
        mine.clear()
        log.append(f"{name}{i}")
        other.set()


a = threading.Thread(target=player, args=("ping", ping, pong, 3))
b = threading.Thread(target=player, args=("pong", pong, ping, 3))
a.start()
b.start()
ping.set()
a.join()
b.join()
print(log)
