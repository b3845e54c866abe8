# Three stages connected by bounded queues; order is kept.
# policies: tick gil32 gil310 gil313 free
import queue
import threading


class Stage(threading.Thread):
    def __init__(self, name, work, source, target):
        super().__init__(name=name)
        self.work = work
        self.source = source
        self.target = target
        self.handled = 0
        self.failed = []

    def run(self):
        while True:
            item = self.source.get()
            if item is None:
                self.target.put(None)
                return
            try:
                self.target.put(self.work(item))
                self.handled += 1
            except Exception as error:
                self.failed.append(f"{type(error).__name__}: {error}")


def parse(line):
    name, number = line.split("=")
    return name.strip(), int(number)


def square(pair):
    name, number = pair
    if number < 0:
        raise ArithmeticError(f"{name} is negative")
    return name, number * number


def show(pair):
    return "{}: {}".format(pair[0], pair[1])


queues = [queue.Queue(maxsize=2) for _ in range(4)]
stages = [Stage(f.__name__, f, queues[i], queues[i + 1]) for i, f in enumerate([parse, square, show])]
for stage in stages:
    stage.start()


def feed():
    for line in ["a = 1", "b = two", "c=3", "broken", "d = -4", " e =5 ", "f = 600"]:
        queues[0].put(line)
    queues[0].put(None)


feeder = threading.Thread(target=feed)
feeder.start()
while True:
    item = queues[-1].get()
    if item is None:
        break
    print(item)
feeder.join()
for stage in stages:
    stage.join()
    print(stage.name, stage.handled, stage.failed)
