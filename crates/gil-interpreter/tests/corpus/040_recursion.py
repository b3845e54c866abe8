# Recursion: depth, mutual recursion, backtracking, the limit.
def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)


def is_even(n):
    return True if n == 0 else is_odd(n - 1)


def is_odd(n):
    return False if n == 0 else is_even(n - 1)


def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def permutations(items):
    if len(items) <= 1:
        return [items]
    result = []
    for i in range(len(items)):
        for rest in permutations(items[:i] + items[i + 1:]):
            result.append([items[i]] + rest)
    return result


def hanoi(n, source, target, spare, moves):
    if n > 0:
        hanoi(n - 1, source, spare, target, moves)
        moves.append(source + target)
        hanoi(n - 1, spare, target, source, moves)
    return moves


def flatten(value):
    if not isinstance(value, list):
        return [value]
    result = []
    for item in value:
        result += flatten(item)
    return result


print(factorial(20), is_even(50), is_odd(33), ackermann(2, 3))
print(permutations([1, 2, 3]))
print(hanoi(3, "a", "c", "b", []), len(hanoi(8, "a", "c", "b", [])))
print(flatten([1, [2, [3, [], [4, [5]]]], 6]))


def depth(n):
    return depth(n + 1)


try:
    depth(0)
except RecursionError as error:
    print(type(error).__name__, str(error)[:32])


def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)


print(deep(900))
print((lambda f, n: f(f, n))(lambda f, n: n if n < 2 else f(f, n - 1) + f(f, n - 2), 15))
