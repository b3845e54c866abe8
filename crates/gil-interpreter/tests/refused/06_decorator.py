# refused: 9:1 decorator
print("must not run")


def twice(function):
    return lambda: function() * 2


@twice
def number():
    return 21


print(number())
