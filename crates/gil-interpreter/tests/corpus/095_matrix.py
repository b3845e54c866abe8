# A matrix class: product, power, transpose, determinant.
class Matrix:
    def __init__(self, rows):
        if len(rows) == 0 or any([len(row) != len(rows[0]) for row in rows]):
            raise ValueError("rows must be of equal length")
        self.rows = [list(row) for row in rows]

    def __repr__(self):
        width = max([len(str(v)) for row in self.rows for v in row])
        return "\n".join([" ".join([str(v).rjust(width) for v in row]) for row in self.rows])

    def __eq__(self, other):
        return self.rows == other.rows

    def __getitem__(self, position):
        r, c = position
        return self.rows[r][c]

    def __add__(self, other):
        return Matrix([[a + b for a, b in zip(x, y)] for x, y in zip(self.rows, other.rows)])

    def __mul__(self, other):
        columns = other.transpose().rows
        if len(self.rows[0]) != len(other.rows):
            raise ValueError(f"cannot multiply {len(self.rows[0])} columns by {len(other.rows)} rows")
        return Matrix([[sum([a * b for a, b in zip(row, column)]) for column in columns] for row in self.rows])

    def __pow__(self, n):
        result = identity(len(self.rows))
        base = self
        while n:
            if n % 2:
                result = result * base
            base = base * base
            n //= 2
        return result

    def transpose(self):
        return Matrix([[row[c] for row in self.rows] for c in range(len(self.rows[0]))])

    def determinant(self):
        if len(self.rows) == 1:
            return self.rows[0][0]
        total = 0
        for c, v in enumerate(self.rows[0]):
            minor = Matrix([row[:c] + row[c + 1:] for row in self.rows[1:]])
            total += (-1) ** c * v * minor.determinant()
        return total


def identity(n):
    return Matrix([[1 if r == c else 0 for c in range(n)] for r in range(n)])


a = Matrix([[1, 2], [3, 4]])
b = Matrix([[0, 1, 2], [3, 4, 5]])
print(a * b)
print(b.transpose())
print((Matrix([[1, 1], [1, 0]]) ** 50)[0, 1], a * identity(2) == a, (a + a)[1, 1])
print(Matrix([[2, 0, 1], [1, 3, 2], [1, 1, 1]]).determinant(), Matrix([[0.5, 1.5], [2, 4]]).determinant())
for bad in [lambda: b * b, lambda: Matrix([[1], [2, 3]])]:
    try:
        bad()
    except ValueError as error:
        print(error)
