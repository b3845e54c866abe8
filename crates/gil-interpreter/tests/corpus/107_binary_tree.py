# A binary search tree with insertion, deletion, traversals and an iterator.
class Node:
    def __init__(self, key):
        self.key = key
        self.left = self.right = None


class Tree:
    def __init__(self, keys=()):
        self.root = None
        self.size = 0
        for key in keys:
            self.insert(key)

    def insert(self, key):
        if self.root is None:
            self.root = Node(key)
            self.size += 1
            return True
        node = self.root
        while key != node.key:
            side = "left" if key < node.key else "right"
            child = getattr(node, side)
            if child is None:
                setattr(node, side, Node(key))
                self.size += 1
                return True
            node = child
        return False

    def remove(self, key):
        def cut(node, key):
            if node is None:
                raise KeyError(key)
            if key < node.key:
                node.left = cut(node.left, key)
            elif key > node.key:
                node.right = cut(node.right, key)
            elif node.left is None:
                return node.right
            elif node.right is None:
                return node.left
            else:
                smallest = node.right
                while smallest.left:
                    smallest = smallest.left
                node.key = smallest.key
                node.right = cut(node.right, smallest.key)
            return node

        self.root = cut(self.root, key)
        self.size -= 1

    def __iter__(self):
        return TreeIterator(self.root)

    def __len__(self):
        return self.size

    def __contains__(self, key):
        node = self.root
        while node is not None and node.key != key:
            node = node.left if key < node.key else node.right
        return node is not None

    def height(self):
        def measure(node):
            return 0 if node is None else 1 + max(measure(node.left), measure(node.right))

        return measure(self.root)


class TreeIterator:
    def __init__(self, root):
        self.stack = []
        self.push(root)

    def push(self, node):
        while node is not None:
            self.stack.append(node)
            node = node.left

    def __iter__(self):
        return self

    def __next__(self):
        if not self.stack:
            raise StopIteration
        node = self.stack.pop()
        self.push(node.right)
        return node.key


tree = Tree([50, 30, 70, 20, 40, 60, 80, 30])
print(list(tree), len(tree), tree.height(), 40 in tree, 45 in tree)
for key in [20, 30, 50]:
    tree.remove(key)
    print(list(tree), len(tree), tree.root.key)
try:
    tree.remove(999)
except KeyError as error:
    print("KeyError", error)
print(list(Tree("hello world".split())), list(Tree()), sum(Tree(range(10))), max(tree), Tree(range(20)).height())
