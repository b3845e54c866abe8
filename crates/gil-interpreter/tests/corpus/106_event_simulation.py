# A discrete event simulation of a shop with two tills, in virtual time.
class Random:
    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 1103515245 + 12345) % 2147483648
        return self.state // 65536 % n


class Simulation:
    def __init__(self, tills):
        self.now = 0
        self.events = []
        self.sequence = 0
        self.waiting = []
        self.free_tills = tills
        self.waits = []
        self.longest_queue = 0

    def at(self, delay, action):
        self.sequence += 1
        event = (self.now + delay, self.sequence, action)
        i = len(self.events)
        while i > 0 and self.events[i - 1][:2] > event[:2]:
            i -= 1
        self.events.insert(i, event)

    def run(self):
        handled = 0
        while self.events:
            self.now, _, action = self.events.pop(0)
            action()
            handled += 1
        return handled

    def arrive(self, name, service):
        self.waiting.append((name, self.now, service))
        self.longest_queue = max(self.longest_queue, len(self.waiting))
        self.serve()

    def serve(self):
        if not self.waiting or self.free_tills == 0:
            return
        name, since, service = self.waiting.pop(0)
        self.free_tills -= 1
        self.waits.append(self.now - since)

        def done():
            self.free_tills += 1
            if int(name[1:]) % 10 == 0:
                print(f"t={self.now:>4} {name} leaves after {self.now - since}")
            self.serve()

        self.at(service, done)


for tills in [1, 2, 3]:
    random = Random(42)
    simulation = Simulation(tills)
    time = 0
    for n in range(40):
        time += random.below(10)
        simulation.at(time, lambda n=n, s=5 + random.below(12): simulation.arrive(f"c{n}", s))
    handled = simulation.run()
    waits = sorted(simulation.waits)
    print(f"tills {tills}: {handled} events, end {simulation.now}, longest queue {simulation.longest_queue}, median wait {waits[len(waits) // 2]}, worst {waits[-1]}")
