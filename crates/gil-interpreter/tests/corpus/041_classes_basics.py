# Attributes, methods, class attributes, bound methods.
class Account:
    """A bank account."""

    opened = 0
    rate = 0.5

    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance
        Account.opened += 1

    def deposit(self, amount):
        if amount <= 0:
            raise ValueError("deposit must be positive")
        self.balance += amount
        return self

    def interest(self):
        return self.balance * self.rate

    def __repr__(self):
        return f"Account({self.owner!r}, {self.balance})"


ann = Account("Ann", 100)
bob = Account(owner="Bob")
print(ann, bob, Account.opened, ann.opened)
print(ann.deposit(50).deposit(25), ann.interest(), bob.interest())
ann.rate = 0.1
print(ann.interest() == ann.balance * 0.1, bob.rate, Account.rate, Account.__name__, Account.__doc__)
Account.rate = 2
print(ann.rate, bob.rate)
method = ann.deposit
method(5)
print(ann.balance, Account.deposit(bob, 7), method.__name__)
ann.note = "dynamic"
print(ann.note, hasattr(ann, "note"), hasattr(bob, "note"), getattr(bob, "note", "default"))
setattr(bob, "note", "set")
print(bob.note, getattr(bob, "balance"), type(ann).__name__, type(ann) is Account, isinstance(ann, Account))
try:
    bob.missing
except AttributeError as error:
    print(error)
try:
    Account.missing
except AttributeError as error:
    print(error)
try:
    ann.deposit(-1)
except ValueError as error:
    print(error)


def describe(self):
    return "described " + self.owner


Account.describe = describe
print(ann.describe(), bob.describe())
bob.describe = lambda: "own"
print(bob.describe(), ann == ann, ann == bob, ann != bob, ann is ann)


class Empty:
    pass


e = Empty()
e.x = e.y = 1
print(e.x, e.y, ann.__class__.__name__, ann.__class__ is Account)
