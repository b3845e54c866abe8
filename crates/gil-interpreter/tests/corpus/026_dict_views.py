# Views follow the dict; iteration order is insertion order.
d = {"b": 1, "a": 2}
keys = d.keys()
values = d.values()
items = d.items()
print(keys, values, items, len(keys))
d["c"] = 3
print(keys, values, items, "c" in keys, 3 in values, ("c", 3) in items, ("c", 4) in items)
del d["b"]
d["b"] = 10
for k in d:
    print(k, end=" ")
for k, v in d.items():
    print(f"{k}={v}", end=" ")
for i, (k, v) in enumerate(d.items()):
    print(i, k, v, end="; ")
print()
print(sorted(d), sorted(d.values()), max(d, key=d.get), min(d, key=lambda k: d[k]), list(reversed(d)), sorted(d.items(), key=lambda kv: -kv[1]))
big = {}
for i in range(1000):
    big[i * 7 % 1000] = i
for i in range(0, 1000, 2):
    del big[i]
big[0] = "again"
print(len(big), list(big)[:5], list(big)[-2:], big[993], sum([k for k in big]))
inverted = {v: k for k, v in {"x": 1, "y": 2}.items()}
print(inverted)
counts = {}
for ch in "mississippi":
    counts[ch] = counts.get(ch, 0) + 1
print(counts)
groups = {}
for word in ["apple", "bob", "avocado", "cat", "banana"]:
    groups.setdefault(word[0], []).append(word)
print(groups)
print(d.keys() == {"a": 0, "c": 0, "b": 0}.keys(), isinstance(d, dict), isinstance(keys, dict))
