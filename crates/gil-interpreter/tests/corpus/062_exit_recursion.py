# Endless recursion ends with a RecursionError that finally blocks still see.
depth = 0


class Node:
    def __init__(self):
        self.parent = self

    def root(self):
        global depth
        depth += 1
        return self.parent.root()


def safe(node):
    try:
        return node.root()
    except RecursionError as error:
        return type(error).__name__


print(safe(Node()), depth > 500)
depth = 0
print(safe(Node()), depth > 500)
try:
    Node().root()
finally:
    print("finally after the overflow")
