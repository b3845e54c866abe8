# Five philosophers, five forks; an order on the forks prevents the deadlock.
# policies: tick gil32 gil310 gil313 free
import threading

PHILOSOPHERS = 5
MEALS = 20
forks = [threading.Lock() for _ in range(PHILOSOPHERS)]
meals = [0] * PHILOSOPHERS
holders = [None] * PHILOSOPHERS
problems = []


class Philosopher(threading.Thread):
    def __init__(self, number):
        super().__init__(name=f"philosopher {number}")
        self.number = number
        left, right = number, (number + 1) % PHILOSOPHERS
        self.first, self.second = (left, right) if left < right else (right, left)

    def take(self, fork):
        forks[fork].acquire()
        if holders[fork] is not None:
            problems.append(f"{self.name} found fork {fork} in use by {holders[fork]}")
        holders[fork] = self.name

    def put_back(self, fork):
        holders[fork] = None
        forks[fork].release()

    def run(self):
        while meals[self.number] < MEALS:
            self.take(self.first)
            self.take(self.second)
            meals[self.number] += 1
            self.put_back(self.second)
            self.put_back(self.first)


philosophers = [Philosopher(n) for n in range(PHILOSOPHERS)]
for p in philosophers:
    p.start()
for p in philosophers:
    p.join()
print(meals, problems, holders)
print([p.name for p in philosophers if p.is_alive()], any([fork.locked() for fork in forks]))
print([(p.first, p.second) for p in philosophers])
