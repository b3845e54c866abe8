# A readers-writer lock from a condition; writers are alone.
# policies: tick gil32 gil310 gil313 free
import threading


class ReadLock:
    def __init__(self, owner):
        self.owner = owner

    def __enter__(self):
        with self.owner.condition:
            while self.owner.writing:
                self.owner.condition.wait()
            self.owner.readers += 1

    def __exit__(self, kind, value, traceback):
        with self.owner.condition:
            self.owner.readers -= 1
            if self.owner.readers == 0:
                self.owner.condition.notify_all()


class WriteLock:
    def __init__(self, owner):
        self.owner = owner

    def __enter__(self):
        with self.owner.condition:
            self.owner.condition.wait_for(lambda: not self.owner.writing and self.owner.readers == 0)
            self.owner.writing = True

    def __exit__(self, kind, value, traceback):
        with self.owner.condition:
            self.owner.writing = False
            self.owner.condition.notify_all()


class ReadersWriter:
    def __init__(self):
        self.condition = threading.Condition()
        self.readers = 0
        self.writing = False
        self.read = ReadLock(self)
        self.write = WriteLock(self)


guard = ReadersWriter()
pair = [0, 0]
torn = []


def reader(times):
    for _ in range(times):
        with guard.read:
            if pair[0] != pair[1]:
                torn.append(tuple(pair))


def writer(times):
    for _ in range(times):
        with guard.write:
            pair[0] += 1
            pair[1] += 1


threads = [threading.Thread(target=reader, args=(60,)) for _ in range(3)]
threads += [threading.Thread(target=writer, args=(40,)) for _ in range(2)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(pair, torn, guard.readers, guard.writing)
