# A recursive descent parser that evaluates arithmetic with variables and functions.
import math


class ParseError(Exception):
    pass


class Parser:
    functions = {"sqrt": math.sqrt, "abs": abs, "max": max, "floor": math.floor}

    def __init__(self, text, variables):
        self.text = text
        self.position = 0
        self.variables = variables

    def peek(self):
        while self.position < len(self.text) and self.text[self.position] == " ":
            self.position += 1
        return self.text[self.position] if self.position < len(self.text) else ""

    def expect(self, ch):
        if self.peek() != ch:
            raise ParseError(f"expected {ch!r} at {self.position}, found {self.peek() or 'end'!r}")
        self.position += 1

    def take_while(self, test):
        start = self.position
        while self.position < len(self.text) and test(self.text[self.position]):
            self.position += 1
        return self.text[start:self.position]

    def expression(self):
        value = self.term()
        while self.peek() in ("+", "-"):
            operator = self.text[self.position]
            self.position += 1
            right = self.term()
            value = value + right if operator == "+" else value - right
        return value

    def term(self):
        value = self.factor()
        while self.peek() and self.peek() in "*/%":
            operator = self.text[self.position]
            self.position += 1
            right = self.factor()
            value = value * right if operator == "*" else value / right if operator == "/" else value % right
        return value

    def factor(self):
        if self.peek() == "-":
            self.position += 1
            return -self.factor()
        base = self.atom()
        if self.peek() == "^":
            self.position += 1
            return base ** self.factor()
        return base

    def atom(self):
        ch = self.peek()
        if ch == "(":
            self.position += 1
            value = self.expression()
            self.expect(")")
            return value
        if ch.isdigit():
            digits = self.take_while(lambda c: c.isdigit() or c == ".")
            return float(digits) if "." in digits else int(digits)
        name = self.take_while(str.isalpha)
        if name in self.functions:
            self.expect("(")
            value = self.expression()
            self.expect(")")
            return self.functions[name](value)
        if name in self.variables:
            return self.variables[name]
        raise ParseError(f"unknown {name or ch or 'end'!r} at {self.position}")

    def parse(self):
        value = self.expression()
        if self.peek():
            raise ParseError(f"unexpected {self.peek()!r} at {self.position}")
        return value


for text in ["1 + 2 * 3", "(1 + 2) * 3", "-2 ^ 2", "2 ^ 3 ^ 2", "x * x - y", "sqrt(16) / 5", "10 % 4 - abs(-3)", "1.5 * 4", "floor(7 / 2)", "(1 + 2", "1 + ", "2 $ 3", "1 / 0", "nope + 1", "((((7))))"]:
    try:
        print(text, "=", Parser(text, {"x": 9, "y": 0.5}).parse())
    except (ParseError, ZeroDivisionError) as error:
        print(text, "->", type(error).__name__, error)
