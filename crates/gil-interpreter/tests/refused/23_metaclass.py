# refused: 9:13 metaclass
print("must not run")


class Meta:
    pass


class Model(metaclass=Meta):
    pass


print(Model())
