# Names with two leading underscores belong to the class that wrote them.
class Base:
    __count = 0

    def __init__(self):
        self.__secret = "base"
        self._protected = "seen by all"
        Base.__count += 1

    def reveal(self):
        return self.__secret

    def __helper(self):
        return "base helper"

    def call(self):
        return self.__helper()

    def count(self):
        return Base.__count


class Derived(Base):
    def __init__(self):
        super().__init__()
        self.__secret = "derived"

    def both(self):
        return self.__secret, self.reveal()

    def __helper(self):
        return "derived helper"

    def call_both(self):
        return self.call(), self.__helper()


d = Derived()
print(d.both(), d.call_both(), d.count(), d._protected)
print(d._Base__secret, d._Derived__secret, Base._Base__count)
for name in ["__secret", "_Base__secret", "_Derived__secret", "_Base__helper"]:
    print(name, hasattr(d, name))
try:
    d.__secret
except AttributeError as error:
    print(error)


class Holder:
    def local(self):
        __value = 5
        return [__value + n for n in range(2)]

    def keyword(self, __x=1):
        return __x


print(Holder().local(), Holder().keyword(), Holder().keyword(_Holder__x=3))
