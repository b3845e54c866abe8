# The program ends with a traceback: exit code 1, last line of stderr.
def average(values):
    return sum(values) / len(values)


def report(groups):
    for name, values in groups:
        print(name, average(values))


print("start")
report([("a", [1, 2, 3]), ("b", [4.5]), ("c", [])])
print("never printed")
