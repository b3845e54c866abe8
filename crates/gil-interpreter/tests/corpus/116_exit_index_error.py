# IndexError in a comprehension that a function calls through map.
def column(rows, n):
    return [row[n] for row in rows]


rows = [[1, 2, 3], [4, 5], [6, 7, 8]]
print(column(rows, 0))
print(column(rows, 1))
print(list(map(len, rows)))


def all_columns(rows):
    return list(map(lambda n: column(rows, n), range(3)))


try:
    all_columns([[1]])
except IndexError as error:
    print("caught", error)
print(all_columns(rows))
