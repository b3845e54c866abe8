# A barrier lets all pass together, round after round.
# policies: tick gil32 gil310 gil313 free
import threading

parties = 3
barrier = threading.Barrier(parties)
lock = threading.Lock()
arrived = [0, 0, 0, 0]
problems = []
indexes = []


def walker(name):
    for round_number in range(4):
        with lock:
            arrived[round_number] += 1
        index = barrier.wait()
        with lock:
            indexes.append(index)
            if arrived[round_number] != parties:
                problems.append((name, round_number))
        barrier.wait()


threads = [threading.Thread(target=walker, args=(n,)) for n in range(parties)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(arrived, problems, sorted(indexes), barrier.parties, barrier.n_waiting, barrier.broken)
try:
    barrier.wait(timeout=0.01)
except threading.BrokenBarrierError as error:
    print(type(error).__name__, barrier.broken)
try:
    barrier.wait()
except RuntimeError as error:
    print("still broken", type(error).__name__)
barrier.reset()
print(barrier.broken)
actions = []
other = threading.Barrier(2, action=lambda: actions.append("all here"))
t = threading.Thread(target=other.wait)
t.start()
other.wait()
t.join()
print(actions)
single = threading.Barrier(1)
print(single.wait(), single.wait())
other.abort()
print(other.broken)
