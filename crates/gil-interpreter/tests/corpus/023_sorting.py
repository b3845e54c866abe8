# sort and sorted: keys, reverse, stability, mixed keys, errors.
words = ["pear", "fig", "apple", "kiwi", "banana", "date", "Cherry"]
print(sorted(words), sorted(words, key=len), sorted(words, key=len, reverse=True))
print(sorted(words, key=str.lower), sorted(words, key=lambda w: (len(w), w)), sorted(words, key=lambda w: w[-1]))
people = [("ann", 31), ("bob", 27), ("cid", 31), ("dan", 27), ("eve", 40)]
by_age = sorted(people, key=lambda p: p[1])
print(by_age)
print(sorted(people, key=lambda p: p[1], reverse=True))
print(sorted(by_age, key=lambda p: -p[1]))
print(sorted([3, 1.5, True, -2, 0]), sorted("hello"), sorted((3, 1, 2)), sorted({"b": 1, "a": 2}), sorted([]), sorted([[2, 1], [1, 9], [1]]))
print(sorted([0.0, -0.0, 0, False]), sorted([True, 1, 1.0, False, 0]))


class Item:
    def __init__(self, rank, name):
        self.rank = rank
        self.name = name

    def __lt__(self, other):
        return self.rank < other.rank

    def __repr__(self):
        return f"{self.name}{self.rank}"


items = [Item(2, "a"), Item(1, "b"), Item(2, "c"), Item(1, "d")]
print(sorted(items), sorted(items, reverse=True), min(items), max(items))
try:
    sorted([1, "a", 2])
except TypeError as error:
    print(error)
calls = []


def key(x):
    calls.append(x)
    return -x


print(sorted([2, 3, 1], key=key), calls)
seed = 17
data = []
for i in range(500):
    seed = (seed * 1103515245 + 12345) % 2147483648
    data.append((seed % 50, i))
data.sort(key=lambda pair: pair[0])
stable = True
for i in range(1, len(data)):
    if data[i - 1] > data[i]:
        stable = False
print(stable, data[:3], data[-1])
