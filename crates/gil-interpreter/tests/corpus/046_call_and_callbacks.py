# Instances as functions, handlers by name, and callbacks.
class Multiplier:
    def __init__(self, k):
        self.k = k

    def __call__(self, n, plus=0):
        return n * self.k + plus


double = Multiplier(2)
print(double(5), double(5, plus=1), callable(double), list(map(double, [1, 2, 3])), sorted([3, 1, 2], key=Multiplier(-1)))


class Averager:
    def __init__(self):
        self.values = []

    def __call__(self, value):
        self.values.append(value)
        return sum(self.values) / len(self.values)


average = Averager()
print([average(v) for v in [10, 20, 60]], average.values)


def dispatch(target, name, value):
    handler = getattr(target, name, None)
    return handler(value) if callable(handler) else f"no {name}"


print(dispatch([3], "count", 3), dispatch("a-b", "split", "-"), dispatch(5, "fly", 0), dispatch(average, "values", 0), dispatch(double, "__call__", 8))


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
