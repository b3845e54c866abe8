# An unhandled error with a cause and a context; the last line is the last error.
class StoreError(Exception):
    pass


class Store:
    def __init__(self):
        self.data = {"a": "1", "b": "x"}

    def get(self, key):
        try:
            return int(self.data[key])
        except KeyError:
            raise StoreError(f"no key {key!r}")
        except ValueError as error:
            raise StoreError(f"bad value for {key!r}") from error


store = Store()
print(store.get("a"))
for key in ["b", "c"]:
    try:
        store.get(key)
    except StoreError as error:
        print(error, "| cause:", repr(error.__cause__), "| context:", repr(error.__context__))
chain = []
try:
    try:
        try:
            1 / 0
        except ZeroDivisionError:
            [][1]
    except IndexError:
        {}["deep"]
except KeyError as error:
    while error is not None:
        chain.append(type(error).__name__)
        error = error.__context__
print(" <- ".join(chain))
try:
    store.get("b")
finally:
    print("cleaning up")
    store.data.clear()
