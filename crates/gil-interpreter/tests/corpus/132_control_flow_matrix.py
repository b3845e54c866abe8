# Every way out of a loop body crossed with try, with and nested functions.
class Noisy:
    def __init__(self, log):
        self.log = log

    def __enter__(self):
        self.log.append("enter")

    def __exit__(self, kind, value, traceback):
        self.log.append("exit" if kind is None else f"exit {kind.__name__}")
        return kind is IndexError


def leave(how, log):
    for i in range(3):
        log.append(i)
        with Noisy(log):
            try:
                if i == 1:
                    if how == "break":
                        break
                    if how == "continue":
                        continue
                    if how == "return":
                        return "returned"
                    if how == "raise":
                        raise ValueError(how)
                    if how == "suppressed":
                        raise IndexError(how)
                    if how == "nested":
                        for j in range(2):
                            try:
                                if j == 1:
                                    break
                            finally:
                                log.append(f"inner {j}")
            finally:
                log.append("finally")
        log.append("after")
    else:
        log.append("else")
        return "completed"
    return "broken out"


for how in ["nothing", "break", "continue", "return", "raise", "suppressed", "nested"]:
    log = []
    try:
        result = leave(how, log)
    except ValueError as error:
        result = f"ValueError {error}"
    print(how, "->", result)
    print("   ", log)


def loops():
    out = []
    n = 0
    while n < 6:
        n += 1
        try:
            if n % 2:
                continue
            try:
                if n == 4:
                    raise KeyError(n)
            except KeyError:
                out.append("caught")
                continue
            else:
                out.append("else")
            finally:
                out.append(n)
        finally:
            out.append("-")
    return out


def returns(n):
    while True:
        try:
            try:
                return n
            finally:
                n += 1
        finally:
            if n < 3:
                continue
            return ("override", n)


print(loops(), returns(0))
