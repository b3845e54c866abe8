# A failing assert ends the program with its message.
def check_invariant(values):
    assert values == sorted(values), f"not sorted: {values}"
    return len(values)


def insert(values, item):
    for i, v in enumerate(values):
        if v > item:
            values.insert(i, item)
            return
    values.append(item)


values = []
for item in [5, 2, 8, 1]:
    insert(values, item)
    print(check_invariant(values), values)
values.append(0)
check_invariant(values)
