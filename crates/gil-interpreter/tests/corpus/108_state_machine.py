# A turnstile and a traffic light as tables; a vending machine with classes as states.
class State:
    def __init__(self, machine):
        self.machine = machine

    def coin(self, value):
        return f"{type(self).__name__} rejects {value}"

    def choose(self, item):
        return f"{type(self).__name__} cannot sell {item}"


class Idle(State):
    def coin(self, value):
        self.machine.credit += value
        self.machine.enter(Ready)
        return f"credit {self.machine.credit}"


class Ready(State):
    def coin(self, value):
        self.machine.credit += value
        return f"credit {self.machine.credit}"

    def choose(self, item):
        price = self.machine.prices.get(item)
        if price is None:
            return super().choose(item)
        if price > self.machine.credit:
            return f"{item} needs {price - self.machine.credit} more"
        change = self.machine.credit - price
        self.machine.credit = 0
        self.machine.enter(Idle)
        return f"{item} and {change} change"


class Machine:
    def __init__(self, prices):
        self.prices = prices
        self.credit = 0
        self.log = []
        self.enter(Idle)

    def enter(self, kind):
        self.state = kind(self)
        self.log.append(kind.__name__)

    def send(self, event, value):
        return getattr(self.state, event)(value)


machine = Machine({"tea": 30, "cake": 75})
for event, value in [("choose", "tea"), ("coin", 20), ("choose", "tea"), ("coin", 20), ("choose", "soup"), ("choose", "tea"), ("coin", 100), ("choose", "cake")]:
    print(f"{event:<7}{value!s:<5}-> {machine.send(event, value)}")
print(machine.log)
LIGHT = {"green": ("yellow", 30), "yellow": ("red", 5), "red": ("green", 20)}
colour, elapsed, seen = "red", 0, []
while elapsed < 100:
    colour, seconds = LIGHT[colour]
    seen.append(f"{colour}@{elapsed}")
    elapsed += seconds
print(" ".join(seen))
TURNSTILE = {("locked", "coin"): "open", ("open", "push"): "locked"}
state = "locked"
for event in ["push", "coin", "coin", "push", "push"]:
    new = TURNSTILE.get((state, event), state)
    print(f"{state}--{event}-->{new}", end="; ")
    state = new
print()
