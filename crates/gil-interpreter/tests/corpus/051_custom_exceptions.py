# Classes of exceptions with attributes and hierarchies.
class AppError(Exception):
    pass


class NotFound(AppError):
    def __init__(self, name):
        super().__init__(f"{name} not found")
        self.name = name


class Limit(AppError):
    code = 429

    def __init__(self, limit, used):
        self.limit = limit
        self.used = used

    def __str__(self):
        return f"used {self.used} of {self.limit}"


class Silent(AppError):
    """No constructor of its own."""


def act(kind):
    if kind == "found":
        return "value"
    if kind == "missing":
        raise NotFound("key")
    if kind == "limit":
        raise Limit(10, 12)
    if kind == "class":
        raise Silent
    if kind == "two":
        raise Silent("a", "b")
    raise ValueError(kind)


for kind in ["found", "missing", "limit", "class", "two", "other"]:
    try:
        print(act(kind))
    except NotFound as error:
        print("not found:", error, error.name, error.args)
    except Limit as error:
        print("limit:", error, error.code, error.args, repr(error))
    except AppError as error:
        print("app:", str(error), error.args, repr(error))
    except Exception as error:
        print("unexpected:", repr(error))
print(issubclass(NotFound, AppError), isinstance(Limit(1, 2), Exception), issubclass(AppError, ValueError))


class Retry(Exception):
    def __init__(self, attempts, *, last=None):
        super().__init__(attempts, last)
        self.attempts = attempts


def with_retries(action, limit):
    for attempt in range(1, limit + 1):
        try:
            return action(attempt)
        except AppError as error:
            last = error
    raise Retry(limit, last=str(last))


def flaky(attempt):
    if attempt < 3:
        raise NotFound(f"attempt {attempt}")
    return f"worked at {attempt}"


print(with_retries(flaky, 5))
try:
    with_retries(flaky, 2)
except Retry as error:
    print(error, error.attempts, error.args)
