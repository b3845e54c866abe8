# Truth values, short circuit, and what `and` and `or` return.
values = [0, 1, -1, 0.0, 0.1, "", "0", [], [0], {}, {0: 0}, (), (0,), None, True, False, range(0), range(1), b"", b"x"]
for v in values:
    print(repr(v), bool(v), not v)

log = []


def note(name, result):
    log.append(name)
    return result


print(note("a", 0) and note("b", 1))
print(note("c", 5) and note("d", "end"))
print(note("e", 0) or note("f", []) or note("g", "last"))
print(note("h", 3) or note("i", 4))
print(not note("j", 1) or note("k", 0) and note("l", 1))
print(log)

print(1 and 2 or 3, 0 and 2 or 3, None or "default", "" or None, [] and 1)
print(True and not False, not (True and False), not True == False)
x = 7
print("big" if x > 5 else "small", "even" if x % 2 == 0 else "odd" if x > 0 else "negative")
print(True is True, None is None, None is not False, x is None, x is not None)
print(isinstance(True, int), isinstance(1, bool), True == 1, hash(True) == hash(1), {True: "one"}[1])
print(str(True), repr(False), int(True), float(False), [True, False].count(1), sum([True, True, False]))
print(any([]), all([]), any([0, "", 3]), all([1, "a", [0]]), all([1, 0]))
