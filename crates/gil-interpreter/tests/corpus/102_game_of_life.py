# Conway's game of life on a torus: a glider and a blinker.
class World:
    def __init__(self, width, height, alive=()):
        self.width = width
        self.height = height
        self.cells = {cell: True for cell in alive}

    def neighbours(self, cell):
        x, y = cell
        return [((x + dx) % self.width, (y + dy) % self.height) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy]

    def step(self):
        counts = {}
        for cell in self.cells:
            for n in self.neighbours(cell):
                counts[n] = counts.get(n, 0) + 1
        alive = [cell for cell, count in counts.items() if count == 3 or count == 2 and cell in self.cells]
        return World(self.width, self.height, alive)

    def __str__(self):
        rows = []
        for y in range(self.height):
            rows.append("".join(["#" if (x, y) in self.cells else "." for x in range(self.width)]))
        return "\n".join(rows)

    def __len__(self):
        return len(self.cells)


def parse(picture):
    lines = picture.split("\n")
    alive = [(x, y) for y, line in enumerate(lines) for x, ch in enumerate(line) if ch == "#"]
    return World(max([len(line) for line in lines]), len(lines), alive)


world = parse(""".#......
..#.....
###.....
........
........
......#.
......#.
......#.""")
for generation in range(6):
    print("generation", generation, "alive", len(world))
    if generation % 2 == 0:
        print(world)
    world = world.step()
for _ in range(20):
    world = world.step()
print(len(world), sorted(world.cells)[:4])
block = parse("....\n.##.\n.##.\n....")
print(str(block) == str(block.step()))
