# Class bodies are code: loops, conditions, nested classes, computed attributes.
LIMIT = 3


class Table:
    squares = {}
    for n in range(LIMIT):
        squares[n] = n * n
    if LIMIT > 2:
        kind = "big"
    else:
        kind = "small"

    class Row:
        width = 10

        def __init__(self, cells):
            self.cells = cells

        def __repr__(self):
            return "|".join([str(c).center(5) for c in self.cells])

    header = Row(["n", "n*n"])

    def default_row(self, cells=[n, n * 10]):
        return Table.Row(cells)

    try:
        missing_name
    except NameError as error:
        problem = str(error)

    alias = default_row


t = Table()
print(t.squares, t.kind, t.n, t.header, t.Row.width, t.default_row(), t.alias([1, 2]), t.problem)
print(Table.Row is t.Row, hasattr(t, "LIMIT"), Table.header.cells, isinstance(t.header, Table.Row))


def make_class(base, label):
    class Made(base):
        name = label

        def describe(self):
            return f"{self.name} of {label} with {super().kind}"

    return Made


A = make_class(Table, "a")
B = make_class(Table, "b")
print(A().describe(), B().describe(), A is B, A.__name__, issubclass(A, Table), isinstance(B(), A))


class Empty(Table):
    pass


Empty.kind = "changed"
print(Empty().kind, Table().kind, Empty.squares is Table.squares)
for cls in [A, B, Empty]:
    cls.order = len(cls.__name__)
print([cls.order for cls in [A, B, Empty]], hasattr(Table, "order"))
