# A tokenizer for a small language, with positions and errors.
KEYWORDS = {"let": True, "if": True, "else": True, "while": True}
TWO = {"==": True, "!=": True, "<=": True, ">=": True, "->": True}


class Token:
    def __init__(self, kind, text, line, column):
        self.kind = kind
        self.text = text
        self.line = line
        self.column = column

    def __repr__(self):
        return f"{self.line}:{self.column} {self.kind} {self.text!r}"

    def __eq__(self, other):
        return (self.kind, self.text) == (other.kind, other.text)


class TokenError(Exception):
    def __init__(self, line, column, text):
        super().__init__(f"{line}:{column}: cannot read {text!r}")


def tokenize(source):
    tokens = []
    for number, line in enumerate(source.splitlines(), 1):
        i = 0
        while i < len(line):
            ch = line[i]
            start = i
            if ch.isspace():
                i += 1
                continue
            if ch == "#":
                break
            if ch.isalpha() or ch == "_":
                while i < len(line) and (line[i].isalnum() or line[i] == "_"):
                    i += 1
                kind = "keyword" if line[start:i] in KEYWORDS else "name"
            elif ch.isdigit():
                while i < len(line) and (line[i].isdigit() or line[i] == "."):
                    i += 1
                kind = "number"
            elif ch == '"':
                i = line.find('"', i + 1) + 1
                if i == 0:
                    raise TokenError(number, start + 1, line[start:])
                kind = "string"
            elif line[i:i + 2] in TWO:
                i += 2
                kind = "operator"
            elif ch in "+-*/=<>(){};,":
                i += 1
                kind = "operator" if ch in "+-*/=<>" else "mark"
            else:
                raise TokenError(number, i + 1, ch)
            tokens.append(Token(kind, line[start:i], number, start + 1))
    return tokens


SOURCE = """let total_1 = 3.14 * (x + 42); # a comment
if total_1 >= 10 { print("big -> one"); }
else { while x != 0 { x = x - 1; } }"""
tokens = tokenize(SOURCE)
for token in tokens[:14]:
    print(token)
counts = {}
for token in tokens:
    counts[token.kind] = counts.get(token.kind, 0) + 1
print(counts, tokens[0] == Token("keyword", "let", 9, 9), tokens[0] != tokens[1])
for bad in ['let x = "open', "a\nb $ c", ""]:
    try:
        print(tokenize(bad))
    except TokenError as error:
        print(error)
