# A dict notices that it changed size; a list goes on by index.
d = {"a": 1, "b": 2, "c": 3}
try:
    for k in d:
        d[k + k] = 0
except RuntimeError as error:
    print(type(error).__name__, error)
d = {"a": 1, "b": 2, "c": 3}
try:
    for k in d:
        del d[k]
except RuntimeError as error:
    print(error, d)
d = {"a": 1, "b": 2, "c": 3}
for k in d:
    d[k] *= 10
print(d)
for k in list(d):
    if d[k] > 10:
        del d[k]
print(d)
d = {1: 1, 2: 2}
try:
    for k, v in d.items():
        d.clear()
except RuntimeError as error:
    print(error)
d = {1: 1}
for k in d:
    d[2] = 2
    break
print(d)
a = [1, 2, 3, 4, 5, 6]
for x in a:
    if x % 2 == 0:
        a.remove(x)
    if x == 5:
        a.append(7)
print(a)
a = [1, 2, 3, 4]
seen = []
for x in a:
    seen.append(x)
    if len(a) < 8:
        a.append(x * 10)
print(a, seen)
a = [1, 2, 3]
for x in a:
    a.pop()
    print(x, a)
it = iter([1, 2])
print(next(it), next(it), next(it, "none left"), list(it))
