# Threads: start, join, arguments, results in a list, names.
# policies: tick gil32 gil310 gil313 free
import threading

results = [None] * 5


def work(index, factor=1):
    total = 0
    for i in range(200):
        total += i * factor
    results[index] = total


threads = [threading.Thread(target=work, args=(i,), kwargs={"factor": i}) for i in range(5)]
print([t.is_alive() for t in threads])
for t in threads:
    t.start()
for t in threads:
    t.join()
print(results, [t.is_alive() for t in threads])
t = threading.Thread(target=print, args=("printed by", "a thread"), name="printer", daemon=True)
print(t.name, t.daemon, t.is_alive())
t.start()
t.join()
names = []


def who():
    names.append(threading.current_thread().name)


for name in ["alpha", "beta"]:
    t = threading.Thread(target=who, name=name)
    t.start()
    t.join()
print(names, threading.current_thread().name, threading.main_thread() is threading.current_thread(), threading.active_count())
try:
    t.start()
except RuntimeError as error:
    print(error)
try:
    threading.Thread(target=who).join()
except RuntimeError as error:
    print(error)
t = threading.Thread(target=who, daemon=True)
t.start()
t.join(timeout=10)
print(t.is_alive(), t.daemon, isinstance(threading.get_ident(), int))
threading.Thread(target=lambda: print("not joined, but the program waits for it")).start()
