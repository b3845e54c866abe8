# Chaining: cause, context, suppression, re-raise.
def convert(text):
    try:
        return int(text)
    except ValueError as error:
        raise RuntimeError("cannot convert " + repr(text)) from error


try:
    convert("x")
except RuntimeError as error:
    print(error, "|", repr(error.__cause__), "|", error.__context__ is error.__cause__)
try:
    try:
        {}["k"]
    except KeyError:
        raise ValueError("second")
except ValueError as error:
    print(error, repr(error.__context__), error.__cause__)
try:
    try:
        {}["k"]
    except KeyError:
        raise ValueError("hidden") from None
except ValueError as error:
    print(error, error.__cause__, repr(error.__context__))


def reraise():
    try:
        raise IndexError("original")
    except IndexError:
        print("logged")
        raise


try:
    reraise()
except IndexError as error:
    print("again", error, error.__context__)
try:
    raise
except RuntimeError as error:
    print(error)
try:
    raise 5
except TypeError as error:
    print(error)
try:
    raise ValueError from 5
except TypeError as error:
    print(error)
saved = None
try:
    1 / 0
except ZeroDivisionError as error:
    saved = error
try:
    raise saved
except ArithmeticError as error:
    print(error is saved, error)


def outer():
    try:
        inner()
    finally:
        print("outer finally")


def inner():
    try:
        raise OSError("deep")
    except KeyError:
        print("not here")
    finally:
        print("inner finally")


try:
    outer()
except OSError as error:
    print("caught", error)
try:
    try:
        raise ValueError(1)
    except ValueError:
        try:
            raise KeyError(2)
        except KeyError:
            pass
        raise
except ValueError as error:
    print("outer again", error)
