# A cooperative scheduler of task objects: round robin, sleeping, messages.
class Task:
    def __init__(self, name):
        self.name = name
        self.wake_at = 0
        self.inbox = []

    def step(self, scheduler):
        raise NotImplementedError


class Counter(Task):
    def __init__(self, name, count, pause):
        super().__init__(name)
        self.left = count
        self.pause = pause

    def step(self, scheduler):
        scheduler.say(self, f"{self.left} left")
        self.left -= 1
        self.wake_at = scheduler.now + self.pause
        if self.left == 0:
            scheduler.send("collector", self.name)
            return False
        return True


class Collector(Task):
    def __init__(self, name, expected):
        super().__init__(name)
        self.expected = expected
        self.seen = []

    def step(self, scheduler):
        while self.inbox:
            self.seen.append(self.inbox.pop(0))
        if len(self.seen) == self.expected:
            scheduler.say(self, f"collected {self.seen}")
            return False
        self.wake_at = scheduler.now + 1
        return True


class Scheduler:
    def __init__(self):
        self.now = 0
        self.tasks = {}
        self.lines = []

    def add(self, task):
        self.tasks[task.name] = task

    def send(self, name, message):
        self.tasks[name].inbox.append(message)

    def say(self, task, text):
        self.lines.append(f"{self.now:02d} {task.name:>9}: {text}")

    def run(self):
        while self.tasks:
            for name in list(self.tasks):
                task = self.tasks[name]
                if task.wake_at <= self.now and not task.step(self):
                    del self.tasks[name]
            self.now += 1
        return self.lines


scheduler = Scheduler()
scheduler.add(Counter("fast", 4, 1))
scheduler.add(Counter("slow", 2, 3))
scheduler.add(Collector("collector", 2))
print("\n".join(scheduler.run()))
broken = Scheduler()
broken.add(Task("abstract"))
try:
    broken.run()
except NotImplementedError as error:
    print(repr(error))
