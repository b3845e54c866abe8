# An unhandled KeyError shows the repr of the key.
prices = {"tea": 3, "coffee": 4}


class Shop:
    def __init__(self, prices):
        self.prices = prices

    def total(self, order):
        return sum([self.prices[item] for item in order])


shop = Shop(prices)
print(shop.total(["tea", "tea"]))
try:
    print(shop.total(["coffee", "cake"]))
finally:
    print("finally runs before the traceback")
