# sys.exit runs finally blocks and sets the exit code.
import sys


class Manager:
    def __enter__(self):
        print("enter")

    def __exit__(self, kind, value, traceback):
        print("exit", kind.__name__, value.code)


def quit_with(code):
    try:
        sys.exit(code)
    finally:
        print("finally", code)


for code in [0, 3, "text", None, True]:
    try:
        quit_with(code)
    except SystemExit as error:
        print(repr(error.code), error.args, isinstance(error, Exception))
with Manager():
    try:
        sys.exit(7)
    except Exception:
        print("SystemExit is not an Exception")
