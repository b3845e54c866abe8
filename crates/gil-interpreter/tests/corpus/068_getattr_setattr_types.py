# Reflection: getattr, setattr, hasattr, delattr, type(), isinstance, dispatch by name.
class Robot:
    version = 1

    def __init__(self, name):
        self.name = name

    def do_walk(self, steps):
        return f"{self.name} walks {steps}"

    def do_talk(self, text="hi"):
        return f"{self.name} says {text}"

    def command(self, line):
        verb, *rest = line.split()
        handler = getattr(self, "do_" + verb, None)
        if handler is None:
            return f"cannot {verb}"
        return handler(" ".join(rest)) if rest else handler()


r = Robot("R2")
for line in ["walk 5", "talk", "talk loud and clear", "fly"]:
    print(r.command(line))
setattr(r, "speed", 10)
setattr(Robot, "wheels", 4)
print(r.speed, r.wheels, getattr(r, "speed"), hasattr(r, "speed"), hasattr(Robot, "speed"), hasattr(r, "do_walk"))
delattr(r, "speed")
print(hasattr(r, "speed"), getattr(r, "speed", "none"), Robot.version, type(r).version)
try:
    getattr(r, "speed")
except AttributeError as error:
    print(error)
try:
    (5).x = 1
except AttributeError as error:
    print(type(error).__name__)
try:
    getattr(5, "nope")
except AttributeError as error:
    print(error)
registry = {"int": int, "float": float, "str": str, "list": list}
for name, kind in registry.items():
    print(name, kind("12"), isinstance(kind("12"), kind), kind.__name__ == name)


def describe(value):
    for kind, text in [(bool, "bool"), (int, "int"), (float, "float"), (str, "str"), ((list, tuple), "sequence"), (dict, "mapping"), (type(None), "none")]:
        if isinstance(value, kind):
            return text
    return type(value).__name__


print([describe(v) for v in [True, 1, 1.5, "s", [], (), {}, None, r, Robot, describe, len]])
f = "hello".upper
g = [3, 1, 2].sort
print(f(), g(), str.upper("x"), list.append([1], 2), dict.get({"a": 1}, "a"), str.join("-", ["a", "b"]), int.__name__, len.__name__)
