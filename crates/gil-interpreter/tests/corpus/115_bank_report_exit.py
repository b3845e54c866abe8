# A report that ends with the program's own exit code.
import sys

RECORDS = """2024-01-05 deposit 1,200.50
2024-01-09 withdraw 300.25
2024-02-01 fee 4.5
2024-02-11 deposit abc
2024-02-30 bogus 1
2024-03-03 withdraw 5000"""


class Ledger:
    def __init__(self):
        self.cents = 0
        self.errors = []
        self.months = {}

    def apply(self, number, line):
        date, kind, amount = line.split()
        year, month, day = map(int, date.split("-"))
        cents = round(float(amount.replace(",", "")) * 100)
        if kind in ("withdraw", "fee"):
            cents = -cents
        elif kind != "deposit":
            raise ValueError(f"unknown kind {kind!r}")
        if self.cents + cents < 0:
            raise OverflowError(f"balance would be {(self.cents + cents) / 100:.2f}")
        self.cents += cents
        self.months[year, month] = self.months.get((year, month), 0) + cents

    def load(self, text):
        for number, line in enumerate(text.splitlines(), 1):
            try:
                self.apply(number, line)
            except (ValueError, OverflowError) as error:
                self.errors.append(f"line {number}: {type(error).__name__}: {error}")


ledger = Ledger()
ledger.load(RECORDS)
for (year, month), cents in ledger.months.items():
    print(f"{year}-{month:02} {cents / 100:>+12,.2f}")
print(f"{'balance':<7} {ledger.cents / 100:>12,.2f}")
for error in ledger.errors:
    print(error, file=sys.stderr)
sys.exit(len(ledger.errors))
