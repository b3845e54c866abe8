# A JSON-like writer and reader.
def dump(value, indent=0):
    pad = "  " * indent
    if value is None:
        return "null"
    if value is True or value is False:
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        out = '"'
        for ch in value:
            out += {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}.get(ch, ch)
        return out + '"'
    if isinstance(value, (list, tuple)):
        if not value:
            return "[]"
        return "[\n" + ",\n".join([pad + "  " + dump(v, indent + 1) for v in value]) + "\n" + pad + "]"
    if isinstance(value, dict):
        if not value:
            return "{}"
        lines = [f"{pad}  {dump(str(k))}: {dump(v, indent + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(lines) + "\n" + pad + "}"
    raise TypeError(f"cannot write {type(value).__name__}")


class Reader:
    def __init__(self, text):
        self.text = text
        self.at = 0

    def skip(self):
        while self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at]

    def read(self):
        ch = self.skip()
        if ch == "{":
            return dict(self.sequence("}", self.pair))
        if ch == "[":
            return self.sequence("]", self.read)
        if ch == '"':
            return self.string()
        for word, value in [("null", None), ("true", True), ("false", False)]:
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in "+-.0123456789e":
            self.at += 1
        digits = self.text[start:self.at]
        return float(digits) if "." in digits or "e" in digits else int(digits)

    def sequence(self, end, item):
        self.at += 1
        out = []
        while self.skip() != end:
            out.append(item())
            if self.skip() == ",":
                self.at += 1
        self.at += 1
        return out

    def pair(self):
        key = self.read()
        assert self.skip() == ":"
        self.at += 1
        return key, self.read()

    def string(self):
        self.at += 1
        out = ""
        while self.text[self.at] != '"':
            if self.text[self.at] == "\\":
                self.at += 1
                out += {"n": "\n", "t": "\t"}.get(self.text[self.at], self.text[self.at])
            else:
                out += self.text[self.at]
            self.at += 1
        self.at += 1
        return out


data = {"name": 'say "hi"\n', "list": [1, -2.5, 1e20, [], {}], "nested": {"yes": True, "no": False, "none": None, "path": "a\\b"}, "empty": ""}
text = dump(data)
print(text)
print(Reader(text).read() == data, Reader("[1, [2, {\"k\": []}]]").read())
try:
    dump([dump])
except TypeError as error:
    print(error)
