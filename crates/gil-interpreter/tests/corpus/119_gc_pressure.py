# Many short-lived objects and cycles: memory must be reused, live objects kept.
class Node:
    def __init__(self, value, link=None):
        self.value = value
        self.link = link


kept = []
for i in range(20000):
    a = Node(i)
    b = Node(-i, a)
    a.link = b
    if i % 2000 == 0:
        kept.append(a)
print([n.value for n in kept], all([n.link.link is n for n in kept]))
text = ""
pieces = []
for i in range(3000):
    text = f"{i}-" + text[:50]
    pieces.append(text[:5])
print(text, len(pieces), pieces[-1], pieces[1234])
table = {}
for i in range(30000):
    table[i % 100] = [i, (i, str(i)), {"k": i}]
print(len(table), table[99], table[0][2]["k"])


def churn(depth):
    garbage = [[depth] * 3 for _ in range(5)]
    if depth == 0:
        return garbage
    inner = churn(depth - 1)
    return [inner[0], garbage[0]]


print(churn(50)[0][0])
closures = [(lambda v=i: [v] * 2) for i in range(500)]
print(sum([sum(f()) for f in closures]))
big = [str(i) for i in range(20000)]
del big[10:]
print(big, len("x" * 100000), sum([len([0] * 1000) for _ in range(300)]))
