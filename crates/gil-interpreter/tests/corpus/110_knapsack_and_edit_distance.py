# Dynamic programming: knapsack, edit distance, longest common subsequence, coins.
def knapsack(items, capacity):
    best = [[0] * (capacity + 1) for _ in range(len(items) + 1)]
    for i, (name, weight, value) in enumerate(items, 1):
        for c in range(capacity + 1):
            best[i][c] = best[i - 1][c]
            if weight <= c:
                best[i][c] = max(best[i][c], best[i - 1][c - weight] + value)
    chosen = []
    c = capacity
    for i in range(len(items), 0, -1):
        if best[i][c] != best[i - 1][c]:
            chosen.append(items[i - 1][0])
            c -= items[i - 1][1]
    return best[-1][-1], sorted(chosen)


def edit_distance(a, b):
    previous = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        current = [i]
        for j, y in enumerate(b, 1):
            current.append(min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (x != y)))
        previous = current
    return previous[-1]


def common_subsequence(a, b):
    table = {}

    def longest(i, j):
        if i == len(a) or j == len(b):
            return ""
        if (i, j) not in table:
            if a[i] == b[j]:
                table[i, j] = a[i] + longest(i + 1, j + 1)
            else:
                left, right = longest(i + 1, j), longest(i, j + 1)
                table[i, j] = left if len(left) >= len(right) else right
        return table[i, j]

    return longest(0, 0)


def change(amount, coins):
    ways = [1] + [0] * amount
    for coin in coins:
        for total in range(coin, amount + 1):
            ways[total] += ways[total - coin]
    return ways[amount]


print(knapsack([("map", 9, 150), ("compass", 13, 35), ("water", 153, 200), ("sandwich", 50, 160), ("glucose", 15, 60)], 100))
for a, b in [("kitten", "sitting"), ("", "abc"), ("same", "same"), ("intention", "execution")]:
    print(a, b, edit_distance(a, b), repr(common_subsequence(a, b)))
print(change(100, [1, 5, 10, 25, 50]), change(0, [3]), change(7, [2, 4]))
