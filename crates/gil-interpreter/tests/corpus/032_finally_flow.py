# finally runs on every way out: return, break, continue, exception.
log = []


def early(n):
    try:
        if n == 0:
            return "returned"
        if n == 1:
            raise ValueError("one")
        log.append("body")
    except ValueError as error:
        log.append(f"caught {error}")
        return "from except"
    else:
        log.append("else")
    finally:
        log.append(f"finally {n}")
    return "end"


print([early(n) for n in range(3)], log)
log.clear()
for i in range(5):
    try:
        if i == 1:
            continue
        if i == 3:
            break
        log.append(f"body {i}")
    finally:
        log.append(f"finally {i}")
print(log)


def override():
    try:
        return "try"
    finally:
        return "finally"


def swallow():
    for i in range(3):
        try:
            raise KeyError(i)
        finally:
            break
    return "swallowed"


def value_kept():
    x = 1
    try:
        return x
    finally:
        x = 2


def nested():
    try:
        try:
            return "inner"
        finally:
            log.append("inner finally")
    finally:
        log.append("outer finally")


log.clear()
print(override(), swallow(), value_kept(), nested(), log)
while True:
    try:
        try:
            raise IndexError("x")
        finally:
            log.append("cleanup")
    except IndexError:
        log.append("handled")
        break
print(log)
