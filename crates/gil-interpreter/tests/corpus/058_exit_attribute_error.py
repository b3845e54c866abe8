# An unhandled AttributeError on None, the commonest of all.
class Node:
    def __init__(self, value, next_node=None):
        self.value = value
        self.next_node = next_node


def nth(node, n):
    for _ in range(n):
        node = node.next_node
    return node


chain = Node("a", Node("b"))
print(nth(chain, 0).value, nth(chain, 1).value)
print(nth(chain, 2))
print(nth(chain, 2).value)
