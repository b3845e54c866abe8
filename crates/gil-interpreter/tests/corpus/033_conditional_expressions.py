# Conditional expressions nest, short-circuit and bind loosely.
def sign(n):
    return "neg" if n < 0 else "zero" if n == 0 else "pos"


print([sign(n) for n in [-5, 0, 5]])
x = 3
y = x + 1 if x > 2 else x - 1
z = x + (1 if x > 5 else -1)
print(y, z, [i if i % 2 else -i for i in range(6)], (lambda v: "t" if v else "f")(0))


def boom():
    raise RuntimeError("must not run")


print("safe" if True else boom(), boom() if not x else "safe")
print({"a" if x == 3 else "b": 1}, [1, 2][0 if x else 1], ("odd" if x % 2 else "even") + "!")
grade = 85
print("A" if grade >= 90 else "B" if grade >= 80 else "C")
for year in [1900, 2000, 2023, 2024]:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    print(year, "leap" if leap else "common", 366 if leap else 365)
for n in range(1, 16):
    if n % 15 == 0:
        word = "fizzbuzz"
    elif n % 5 == 0:
        word = "buzz"
    elif n % 3 == 0:
        word = "fizz"
    else:
        word = str(n)
    print(word, end=" ")
print()
value = None
result = value.upper() if value is not None else "nothing"
print(result, not x if x else x, 1 if not [] else 2)
