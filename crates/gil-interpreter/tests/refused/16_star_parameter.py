# refused: 5:11 star
print("must not run")


def total(*numbers):
    return sum(numbers)


print(total(1, 2))
