# Word frequencies with normalisation, ranking and a bar chart.
TEXT = """It was the best of times, it was the worst of times, it was the age
of wisdom, it was the age of foolishness; it was the epoch of belief, it was
the epoch of incredulity -- it was the season of Light, it was the season of
Darkness, it was the spring of hope, it was the winter of despair."""


def words(text):
    out = []
    for raw in text.split():
        word = raw.strip(".,;:-!?").lower()
        if word:
            out.append(word)
    return out


def frequencies(items):
    counts = {}
    for item in items:
        counts[item] = counts.get(item, 0) + 1
    return counts


def ranked(counts, limit):
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:limit]


all_words = words(TEXT)
counts = frequencies(all_words)
print(len(TEXT.splitlines()), len(all_words), len(counts))
for word, count in ranked(counts, 8):
    print(f"{word:<8} {count:>3} {'#' * count} {count / len(all_words):6.1%}")
by_length = {}
for word in counts:
    by_length.setdefault(len(word), []).append(word)
for length in sorted(by_length):
    print(length, " ".join(sorted(by_length[length])))
letters = frequencies([c for c in TEXT.lower() if c.isalpha()])
print("".join([letter for letter, _ in ranked(letters, 26)]))
pairs = frequencies(list(zip(all_words, all_words[1:])))
print(ranked(pairs, 3))
longest = max(counts, key=len)
print(longest, longest.title(), [w for w in counts if w[0] == w[-1] and len(w) > 1])
