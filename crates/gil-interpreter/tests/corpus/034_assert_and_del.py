# assert with and without a message; del of names, items, slices, attributes.
for n in [1, -1]:
    try:
        assert n > 0, f"{n} is not positive"
        print("fine", n)
    except AssertionError as error:
        print("AssertionError", error, error.args)
try:
    assert []
except AssertionError as error:
    print(repr(error), str(error) == "")
try:
    assert (1, 2) == (1, 3), ("tuple", "message")
except AssertionError as error:
    print(error)

x = 5
del x
try:
    print(x)
except NameError as error:
    print(error)


def local_del():
    y = 1
    del y
    return y


try:
    local_del()
except UnboundLocalError as error:
    print(type(error).__name__)
items = [0, 1, 2, 3, 4, 5]
table = {"a": 1, "b": 2}
del items[0], items[-1], table["a"]
del items[1:3]
print(items, table)


class Thing:
    kind = "class attribute"

    def __init__(self):
        self.kind = "instance attribute"


thing = Thing()
print(thing.kind)
del thing.kind
print(thing.kind)
try:
    del thing.kind
except AttributeError as error:
    print(type(error).__name__)
del Thing.kind
print(hasattr(thing, "kind"))
a = b = 1
del (a, b)
try:
    a
except NameError as error:
    print(error)
