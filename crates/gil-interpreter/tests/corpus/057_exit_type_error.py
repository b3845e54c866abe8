# An unhandled TypeError of an operator inside nested calls.
def combine(left, right):
    return left + right


def total(values):
    result = 0
    for value in values:
        result = combine(result, value)
    return result


print(total([1, 2, 3]))
print(total([1.5, True]))
print(total([1, "two"]))
