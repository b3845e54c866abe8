# A class derived from Thread with its own run().
# policies: tick gil32 gil310 gil313 free
import threading


class Summer(threading.Thread):
    def __init__(self, low, high):
        super().__init__(name=f"sum {low}-{high}")
        self.low = low
        self.high = high
        self.result = None

    def run(self):
        total = 0
        for n in range(self.low, self.high):
            total += n
        self.result = total


class Logged(Summer):
    lock = threading.Lock()
    log = []

    def run(self):
        super().run()
        with self.lock:
            self.log.append(self.name)

    def __repr__(self):
        return f"Logged({self.low}, {self.high})"


threads = [Logged(i * 100, (i + 1) * 100) for i in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print([t.result for t in threads], sum([t.result for t in threads]) == sum(range(400)))
print(sorted(Logged.log), threads[0], isinstance(threads[0], threading.Thread), issubclass(Logged, Summer))
direct = Summer(0, 10)
direct.run()
print(direct.result, direct.is_alive(), direct.name, direct.daemon)


class Daemon(threading.Thread):
    def __init__(self):
        threading.Thread.__init__(self, daemon=True)
        self.started_event = threading.Event()

    def run(self):
        self.started_event.set()


d = Daemon()
d.start()
print(d.started_event.wait(10), d.daemon)
d.join()
print(d.is_alive())
