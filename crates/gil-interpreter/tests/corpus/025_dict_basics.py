# Dicts: order, keys of several types, update and removal.
d = {"one": 1, "two": 2, 3: "three", (4, 5): [6], None: 0, 1.5: "f", True: "t"}
print(d, len(d), d["one"], d[3], d[(4, 5)], d[None], d[1.5], d[1])
d["one"] = 11
d["new"] = 9
del d["two"]
d["two"] = 22
print(d)
print("one" in d, "zzz" in d, "zzz" not in d, list(d), list(d.keys())[:2], list(d.values())[:2], list(d.items())[:2])
print(d.get("one"), d.get("zzz"), d.get("zzz", "default"), d.setdefault("one", 5), d.setdefault("added", 5), d["added"])
print(d.pop("added"), d.pop("added", "gone"), d.popitem(), len(d))
e = {1: "a", 1.0: "b", True: "c"}
print(e, {0: "x", False: "y", -0.0: "z"})
a = {"x": 1, "y": 2}
b = a.copy()
b.update({"y": 20, "z": 30})
b.update([("w", 40)])
b.update(v=50)
print(a, b, a == b, a | b, {"k": {"n": [1]}})
a |= {"q": 9}
print(a, dict(a), dict([("k", 1), ("l", 2)]), dict(m=1, n=2), dict.fromkeys(["a", "b"], 0), dict.fromkeys("xy"))
a.clear()
print(a, bool(a), {} == dict())
for key in ["zzz", 7, (1, 2), None]:
    try:
        b[key]
    except KeyError as error:
        print("KeyError", error, error.args)
try:
    del b["zzz"]
except KeyError as error:
    print("KeyError", error)
try:
    {}.popitem()
except KeyError as error:
    print(error)
try:
    {[1]: 2}
except TypeError as error:
    print(str(error)[:15])
