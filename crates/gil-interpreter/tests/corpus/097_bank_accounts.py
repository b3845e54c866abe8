# Accounts with a lock each; transfers in both directions must not deadlock.
# policies: tick gil32 gil310 gil313 free
import threading


class InsufficientFunds(Exception):
    def __init__(self, account, amount):
        super().__init__(f"account {account.number} has {account.balance}, not {amount}")
        self.account = account


class Account:
    count = 0

    def __init__(self, balance):
        Account.count += 1
        self.number = Account.count
        self.balance = balance
        self.lock = threading.Lock()
        self.history = []

    def withdraw(self, amount):
        if amount > self.balance:
            raise InsufficientFunds(self, amount)
        self.balance -= amount
        self.history.append(-amount)

    def deposit(self, amount):
        self.balance += amount
        self.history.append(amount)


def transfer(source, target, amount):
    # The account with the smaller number is locked first, so that no cycle can form.
    first, second = (source, target) if source.number < target.number else (target, source)
    with first.lock, second.lock:
        source.withdraw(amount)
        target.deposit(amount)


accounts = [Account(1000) for _ in range(4)]
refused = [0] * 4


def clerk(me):
    for i in range(100):
        source = accounts[(me + i) % 4]
        target = accounts[(me + i * 3 + 1) % 4]
        if source is target:
            continue
        try:
            transfer(source, target, i % 17 + 1)
        except InsufficientFunds:
            refused[me] += 1


threads = [threading.Thread(target=clerk, args=(n,)) for n in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(sum([a.balance for a in accounts]), all([a.balance == 1000 + sum(a.history) for a in accounts]), sum(refused))
try:
    transfer(accounts[0], accounts[1], 10 ** 6)
except InsufficientFunds as error:
    print(type(error).__name__, error.account.number, str(error).endswith("not 1000000"))
print([a.lock.locked() for a in accounts])
