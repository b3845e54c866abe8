# Globals, locals, nonlocal, and what class bodies see.
x = "global"


def read():
    return x


def shadow():
    x = "local"
    return x


def change():
    global x, made
    x = "changed"
    made = "made in a function"


print(read(), shadow(), x)
change()
print(read(), x, made)


def unbound():
    try:
        print(x)
    except UnboundLocalError as error:
        print(type(error).__name__, isinstance(error, NameError))
    x = 1
    return x


print(unbound())


def free_unbound():
    def inner():
        return later

    try:
        inner()
    except NameError as error:
        print(error)
    later = 1
    return inner()


print(free_unbound())


class Config:
    x = "in class"
    y = x + "!"

    def method(self):
        return x, self.x, self.y

    copies = [n * 2 for n in range(3)]


print(Config().method(), Config.copies, Config.y)
n = 100
squares = [n * n for n in range(4)]
print(n, squares, {n: str(n) for n in range(2)}, n)
for n in range(2):
    pass
print(n)
len_before = len
len = lambda value: "shadowed"
print(len([1, 2]))
len = len_before
print(len([1, 2]))
try:
    missing
except NameError as error:
    print(error)
try:
    raise ValueError("bound")
except ValueError as caught:
    print(caught)
try:
    caught
except NameError as error:
    print(error)
