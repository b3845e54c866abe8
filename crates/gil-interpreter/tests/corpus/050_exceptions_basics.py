# try, except, else, finally; matching by class; args and str.
def classify(action):
    try:
        result = action()
    except ZeroDivisionError as error:
        return f"zero division: {error}"
    except (KeyError, IndexError) as error:
        return f"lookup {type(error).__name__}: {error}"
    except ArithmeticError as error:
        return f"arithmetic: {error}"
    except Exception as error:
        return f"other {type(error).__name__}: {error}"
    else:
        return f"fine: {result}"


d = {}
five = 5
nothing = None
for action in [
    lambda: 1 // 1,
    lambda: 1 / 0,
    lambda: 1 // 0,
    lambda: 1 % 0,
    lambda: 1.0 / 0,
    lambda: 1.0 // 0,
    lambda: d["key"],
    lambda: [1][5],
    lambda: (1,)[5],
    lambda: "s"[5],
    lambda: int("x1"),
    lambda: int("1.5"),
    lambda: int("", 10),
    lambda: float("abc"),
    lambda: None.attr,
    lambda: (5).attr,
    lambda: "s".attr,
    lambda: [].attr,
    lambda: 1 + "1",
    lambda: "1" + 1,
    lambda: [] + (),
    lambda: {} + {},
    lambda: -"s",
    lambda: 1 < "2",
    lambda: five[0],
    lambda: nothing[0],
    lambda: "abc" * "d",
    lambda: chr(-1),
    lambda: undefined,
    lambda: [1, 2].remove(3),
    lambda: "a".index("b"),
    lambda: 1 << -1,
    lambda: 10.0 ** 400,
]:
    print(classify(action))
for error in [ValueError(), ValueError("one"), ValueError("one", 2), KeyError("k"), OSError(2, "No such thing"), StopIteration(7)]:
    print(repr(error), "|", str(error), "|", error.args)
print(StopIteration(7).value, isinstance(KeyError(), LookupError), issubclass(ZeroDivisionError, ArithmeticError), issubclass(ConnectionRefusedError, OSError))
