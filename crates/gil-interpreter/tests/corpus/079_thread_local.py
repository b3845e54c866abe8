# threading.local: each thread sees its own attributes.
# policies: tick gil32 gil310 gil313 free
import threading

local = threading.local()
local.name = "main"
seen = {}
barrier = threading.Barrier(3)


def work(name):
    before = hasattr(local, "name")
    local.name = name
    local.count = 0
    barrier.wait()
    for _ in range(100):
        local.count += 1
    barrier.wait()
    seen[name] = (before, local.name, local.count)


threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(3)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(local.name, hasattr(local, "count"), [seen[k] for k in sorted(seen)])
try:
    local.count
except AttributeError as error:
    print(type(error).__name__)
del local.name
print(hasattr(local, "name"))


def connection():
    if not hasattr(local, "connection"):
        local.connection = f"connection of {threading.current_thread().name}"
    return local.connection


def use(out):
    out.append(connection() is connection())
    out.append(connection())


for n in range(2):
    out = []
    t = threading.Thread(target=use, args=(out,), name=f"user-{n}")
    t.start()
    t.join()
    print(out)
print(connection())
