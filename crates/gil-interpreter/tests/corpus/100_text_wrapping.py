# Wrapping and justifying a paragraph.
TEXT = "The event loop runs callbacks one after another, so a callback that computes for long makes every other one wait; a pool of threads takes such work away, and hands back only the result."


def wrap(text, width):
    lines = []
    line = []
    length = 0
    for word in text.split():
        if line and length + len(line) + len(word) > width:
            lines.append(line)
            line = []
            length = 0
        line.append(word)
        length += len(word)
    if line:
        lines.append(line)
    return lines


def left(lines):
    return [" ".join(line) for line in lines]


def justify(lines, width):
    out = []
    for i, line in enumerate(lines):
        gaps = len(line) - 1
        if gaps == 0 or i == len(lines) - 1:
            out.append(" ".join(line))
            continue
        spaces = width - sum([len(word) for word in line])
        text = line[0]
        for n, word in enumerate(line[1:]):
            text += " " * (spaces // gaps + (1 if n < spaces % gaps else 0)) + word
        out.append(text)
    return out


for width in [20, 33]:
    lines = wrap(TEXT, width)
    print("-" * width)
    print("\n".join(left(lines)))
    print("=" * width)
    for line in justify(lines, width):
        print(line)
        assert len(line) <= width or " " not in line
print("-" * 10)
for line in wrap("incomprehensibilities are wide", 10):
    print([" ".join(line)], end=" ")
print()
for line in left(wrap(TEXT, 40))[:3]:
    print(f"|{line:^40}|")
    print(f"|{line:>40}|")
