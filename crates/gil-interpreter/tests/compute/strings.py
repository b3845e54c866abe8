# Building, splitting, joining, searching and formatting text.
# small: 10
# second: 70000


def run(n):
    words = "the quick brown fox jumps over the lazy dog".split()
    total = 0
    for round_number in range(n):
        line = ""
        for i in range(60):
            line += words[(i * round_number) % 9] + " "
        parts = line.split()
        text = "-".join(parts).upper().replace("QUICK", "slow")
        total += len(text) + text.count("O") + text.find("LAZY") + len(line.strip())
        letters = 0
        for ch in text[:80]:
            if ch == "E" or ch == "-":
                letters += 1
        label = f"{round_number:05d}:{letters}:{parts[0]!r}"
        if label.startswith("0") and "fox" not in label:
            total += ord(label[4]) + letters
        total += hash_of(text[20:40])
    return total


def hash_of(text):
    value = 0
    for ch in text:
        value = (value * 31 + ord(ch)) % 65521
    return value


if __name__ == "__main__":
    import sys
    import time

    arguments = [a for a in sys.argv[1:] if a != "--time"]
    n = int(arguments[0]) if arguments else 10
    start = time.perf_counter()
    result = run(n)
    seconds = time.perf_counter() - start
    print(seconds if "--time" in sys.argv else f"{n} {result}")
