# Unpacking the wrong number of values in a loop.
rows = ["a=1", "b=2", "c"]


def parse(row):
    key, value = row.split("=")
    return key, int(value)


table = {}
for row in rows:
    key, value = parse(row)
    table[key] = value
    print(table)
