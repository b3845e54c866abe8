# Loops with else, break and continue.
def find(values, wanted):
    for i, v in enumerate(values):
        if v == wanted:
            print("found at", i)
            break
    else:
        print("not found")


find([4, 5, 6], 5)
find([4, 5, 6], 9)
find([], 1)
n = 0
while n < 5:
    n += 1
    if n == 2:
        continue
    print(n, end=" ")
else:
    print("done", n)
while True:
    n -= 1
    if n < 2:
        break
else:
    print("never")
print(n)
for i in range(3):
    for j in range(3):
        if j == 2:
            break
        if i == 1:
            continue
        print((i, j), end=" ")
    else:
        print("inner else")
else:
    print("outer else")
while False:
    pass
else:
    print("else of an empty while")
for i in []:
    pass
else:
    print("else of an empty for")


def primes(limit):
    found = []
    for n in range(2, limit):
        for p in found:
            if p * p > n:
                found.append(n)
                break
            if n % p == 0:
                break
        else:
            found.append(n)
    return found


print(primes(60))
for i in range(5):
    if i == 3:
        break
print(i)
