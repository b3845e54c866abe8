# Shortest paths with lists and dicts, and a binary heap written by hand.
class Heap:
    def __init__(self):
        self.items = []

    def __len__(self):
        return len(self.items)

    def push(self, item):
        items = self.items
        items.append(item)
        child = len(items) - 1
        while child > 0:
            parent = (child - 1) // 2
            if not items[child] < items[parent]:
                break
            items[child], items[parent] = items[parent], items[child]
            child = parent

    def pop(self):
        items = self.items
        top = items[0]
        last = items.pop()
        if items:
            items[0] = last
            parent = 0
            while True:
                child = 2 * parent + 1
                if child >= len(items):
                    break
                if child + 1 < len(items) and items[child + 1] < items[child]:
                    child += 1
                if not items[child] < items[parent]:
                    break
                items[child], items[parent] = items[parent], items[child]
                parent = child
        return top


def dijkstra(graph, start):
    distance = {start: 0}
    before = {}
    heap = Heap()
    heap.push((0, start))
    while heap:
        d, node = heap.pop()
        if d > distance[node]:
            continue
        for neighbour, weight in graph[node]:
            candidate = d + weight
            if candidate < distance.get(neighbour, float("inf")):
                distance[neighbour] = candidate
                before[neighbour] = node
                heap.push((candidate, neighbour))
    return distance, before


def path(before, target):
    nodes = [target]
    while nodes[-1] in before:
        nodes.append(before[nodes[-1]])
    return " -> ".join(nodes[::-1])


edges = [("a", "b", 4), ("a", "c", 1), ("c", "b", 2), ("b", "d", 5), ("c", "d", 8), ("d", "e", 3), ("f", "a", 1)]
graph = {}
for source, target, weight in edges:
    graph.setdefault(source, []).append((target, weight))
    graph.setdefault(target, [])
distance, before = dijkstra(graph, "a")
for node in sorted(graph):
    print(node, distance.get(node, "unreachable"), path(before, node) if node in distance else "")
heap = Heap()
for n in [5, 3, 8, 1, 9, 2, 7, 1]:
    heap.push(n)
print([heap.pop() for _ in range(len(heap))], bool(heap))
