# An error whose text has several lines and letters beyond ASCII, and a bare class.
class Problem(Exception):
    """A problem with details."""


def check(values):
    problems = []
    for name, value in values.items():
        if not value:
            problems.append(f"{name} fehlt – überall")
    if problems:
        raise Problem("\n".join(["what is wrong:"] + problems))


check({"a": 1})
try:
    check({"ä": 0, "ö": None, "b": 5})
except Problem as error:
    lines = str(error).split("\n")
    print(len(lines), lines[-1], error.args == (str(error),))
try:
    raise Problem
except Problem as error:
    print(repr(error), len(error.args))
check({"größe": ""})
