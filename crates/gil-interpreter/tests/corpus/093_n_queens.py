# The n queens by backtracking, with the first solution drawn.
def solve(n, row, columns, diagonals, antidiagonals, placed, solutions):
    if row == n:
        solutions.append(placed[:])
        return
    for column in range(n):
        if column in columns or row + column in diagonals or row - column in antidiagonals:
            continue
        columns[column] = True
        diagonals[row + column] = True
        antidiagonals[row - column] = True
        placed.append(column)
        solve(n, row + 1, columns, diagonals, antidiagonals, placed, solutions)
        placed.pop()
        del columns[column], diagonals[row + column], antidiagonals[row - column]


def queens(n):
    solutions = []
    solve(n, 0, {}, {}, {}, [], solutions)
    return solutions


def draw(solution):
    for column in solution:
        print(" ".join(["Q" if c == column else "." for c in range(len(solution))]))


for n in range(1, 8):
    print(n, len(queens(n)))
draw(queens(6)[0])
assert all([len(s) == 5 for s in queens(5)])
