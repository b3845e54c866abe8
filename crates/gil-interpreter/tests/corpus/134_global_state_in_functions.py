# Globals that functions read before and after they change; functions replaced at run time.
mode = "first"
calls = 0


def describe():
    return f"{mode} {helper()}"


def helper():
    global calls
    calls += 1
    return f"old helper, call {calls}"


print(describe())
mode = "second"
print(describe())


def helper():
    return "new helper"


print(describe(), calls)
original = describe


def describe():
    return "wrapped " + original()


print(describe(), original())


def install():
    global helper, added
    helper = lambda: "installed helper"
    added = [1]
    added.append(2)


install()
print(describe(), added)
del added
try:
    print(added)
except NameError as error:
    print(error)


def delete_global():
    global mode
    del mode


delete_global()
try:
    original()
except NameError as error:
    print(error)
mode = "third"
print(original())
table = {"inc": lambda n: n + 1}


def run(name, n):
    return table[name](n)


before = [run("inc", i) for i in range(3)]
table["inc"] = lambda n: n + 100
print(before, [run("inc", i) for i in range(3)])
str_before = str
str = lambda value: "shadowed"
print(str(5))
del str
print(str(5), str is str_before)


class Patched:
    def method(self):
        return "old"


p = Patched()
outputs = []
for i in range(6):
    if i == 3:
        Patched.method = lambda self: "new"
    if i == 5:
        p.method = lambda: "own"
    outputs.append(p.method())
print(outputs)
