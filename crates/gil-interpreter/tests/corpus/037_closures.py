# Closures, late binding, nonlocal counters.
def make_counter(start=0):
    count = start

    def increment(step=1):
        nonlocal count
        count += step
        return count

    def peek():
        return count

    return increment, peek


inc, peek = make_counter(10)
inc2, peek2 = make_counter()
print(inc(), inc(5), peek(), inc2(), peek2(), peek())
functions = [lambda: i for i in range(3)]
print([f() for f in functions])
functions = [lambda i=i: i for i in range(3)]
print([f() for f in functions])


def compose(f, g):
    return lambda x: f(g(x))


print(compose(lambda x: x + 1, lambda x: x * 10)(5), compose(str, abs)(-7))


def three_levels():
    a = "a"

    def second():
        b = "b"

        def third():
            nonlocal a, b
            a += "!"
            b += "?"
            return a + b

        return third() + third() + b

    return second() + a


print(three_levels())


def late():
    def inner():
        return value

    value = 1
    first = inner()
    value = 2
    return first, inner()


print(late())


def memoize(f):
    cache = {}

    def wrapped(n):
        if n not in cache:
            cache[n] = f(n)
        return cache[n]

    return wrapped


calls = []


def slow_square(n):
    calls.append(n)
    return n * n


fast = memoize(slow_square)
print(fast(4), fast(4), fast(5), calls)
