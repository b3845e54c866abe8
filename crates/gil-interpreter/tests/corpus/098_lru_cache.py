# A least recently used cache on a dict and a doubly linked list.
class Node:
    def __init__(self, key, value):
        self.key = key
        self.value = value
        self.before = None
        self.after = None


class LruCache:
    def __init__(self, capacity):
        self.capacity = capacity
        self.nodes = {}
        self.head = Node(None, None)
        self.tail = Node(None, None)
        self.head.after = self.tail
        self.tail.before = self.head
        self.hits = self.misses = 0

    def __len__(self):
        return len(self.nodes)

    def __contains__(self, key):
        return key in self.nodes

    def unlink(self, node):
        node.before.after, node.after.before = node.after, node.before

    def push_front(self, node):
        node.before, node.after = self.head, self.head.after
        self.head.after.before = node
        self.head.after = node

    def get(self, key, default=None):
        node = self.nodes.get(key)
        if node is None:
            self.misses += 1
            return default
        self.hits += 1
        self.unlink(node)
        self.push_front(node)
        return node.value

    def __setitem__(self, key, value):
        if key in self.nodes:
            self.unlink(self.nodes.pop(key))
        elif len(self) == self.capacity:
            oldest = self.tail.before
            self.unlink(oldest)
            del self.nodes[oldest.key]
        node = Node(key, value)
        self.nodes[key] = node
        self.push_front(node)

    def keys(self):
        out = []
        node = self.head.after
        while node is not self.tail:
            out.append(node.key)
            node = node.after
        return out


cache = LruCache(3)
for key in "abc":
    cache[key] = key.upper()
print(cache.keys(), cache.get("a"), cache.keys())
cache["d"] = "D"
print(cache.keys(), cache.get("b", "gone"), "b" in cache, len(cache))
cache["c"] = "new"
print(cache.keys(), cache.get("c"), cache.hits, cache.misses)
memo = LruCache(50)


def fib(n):
    if n < 2:
        return n
    known = memo.get(n)
    if known is None:
        known = fib(n - 1) + fib(n - 2)
        memo[n] = known
    return known


print(fib(80), memo.hits, memo.misses, len(memo))
