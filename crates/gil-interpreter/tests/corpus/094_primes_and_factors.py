# Sieve, factorisation, perfect numbers, gcd by Euclid.
def sieve(limit):
    flags = [True] * (limit + 1)
    flags[0] = flags[1] = False
    n = 2
    while n * n <= limit:
        if flags[n]:
            flags[n * n::n] = [False] * len(range(n * n, limit + 1, n))
        n += 1
    return [i for i, flag in enumerate(flags) if flag]


def factor(n):
    factors = {}
    d = 2
    while d * d <= n:
        while n % d == 0:
            factors[d] = factors.get(d, 0) + 1
            n //= d
        d += 1 if d == 2 else 2
    if n > 1:
        factors[n] = factors.get(n, 0) + 1
    return factors


def show(factors):
    return " * ".join([f"{p}^{e}" if e > 1 else str(p) for p, e in factors.items()]) or "1"


def gcd(a, b):
    while b:
        a, b = b, a % b
    return a


primes = sieve(1000)
print(len(primes), primes[:10], primes[-3:])
for n in [1, 2, 60, 97, 1024, 9699690, 600851475143]:
    print(n, "=", show(factor(n)))
print([n for n in range(2, 500) if sum([d for d in range(1, n) if n % d == 0]) == n])
print(gcd(1071, 462), gcd(17, 5), gcd(0, 9), [(a, b) for a, b in zip(primes, primes[1:]) if b - a == 2][:8])
assert sum(primes) == 76127
