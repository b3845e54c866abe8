# Instances as functions, __getattr__, __setattr__, and callbacks.
class Multiplier:
    def __init__(self, k):
        self.k = k

    def __call__(self, n, plus=0):
        return n * self.k + plus


double = Multiplier(2)
print(double(5), double(5, plus=1), callable(double), list(map(double, [1, 2, 3])), sorted([3, 1, 2], key=Multiplier(-1)))


class Recorder:
    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        def record(value):
            self.calls.append((name, value))
            return self

        return record


r = Recorder()
r.open(1).write("x").close(None)
print(r.calls, hasattr(r, "anything"), hasattr(r, "_private"))
try:
    r._hidden
except AttributeError as error:
    print(error)


class Guarded:
    def __init__(self):
        self.value = 1

    def __setattr__(self, name, value):
        print("set", name, value)
        object.__setattr__(self, name, value)


g = Guarded()
g.value = 2
g.other = 3
print(g.value, g.other)


class Button:
    def __init__(self):
        self.handlers = []

    def on_click(self, handler):
        self.handlers.append(handler)

    def click(self, n):
        return [handler(n) for handler in self.handlers]


class Counter:
    total = 0

    def add(self, n):
        self.total += n
        return self.total


counter = Counter()
button = Button()
button.on_click(counter.add)
button.on_click(double)
button.on_click(lambda n: f"clicked {n}")
print(button.click(5), button.click(7), counter.total, Counter.total)
try:
    counter()
except TypeError as error:
    print(error)
