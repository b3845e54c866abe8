# An exception in finally replaces the first; the last line names the second.
class Resource:
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        print("open", self.name)
        return self

    def __exit__(self, kind, value, traceback):
        print("close", self.name, kind.__name__ if kind else None)


def use():
    with Resource("outer"), Resource("inner"):
        try:
            raise KeyError("first")
        finally:
            raise ValueError("second", 2)


try:
    use()
except ValueError as error:
    print("caught", error.args, repr(error.__context__))
use()
