# Building longer texts: tables, centring, caesar, palindromes, run lengths.
def caesar(text, shift):
    out = []
    for ch in text:
        if "a" <= ch <= "z":
            out.append(chr((ord(ch) - 97 + shift) % 26 + 97))
        elif "A" <= ch <= "Z":
            out.append(chr((ord(ch) - 65 + shift) % 26 + 65))
        else:
            out.append(ch)
    return "".join(out)


def is_palindrome(text):
    letters = [c.lower() for c in text if c.isalnum()]
    return letters == letters[::-1]


def run_length(text):
    out = ""
    i = 0
    while i < len(text):
        j = i
        while j < len(text) and text[j] == text[i]:
            j += 1
        out += text[i] + (str(j - i) if j - i > 1 else "")
        i = j
    return out


def roman(n):
    out = ""
    for value, sign in [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]:
        while n >= value:
            out += sign
            n -= value
    return out


secret = caesar("Hello, World!", 3)
print(secret, caesar(secret, -3), caesar("xyz", 3))
for text in ["A man, a plan, a canal: Panama", "not one", ""]:
    print(repr(text), is_palindrome(text))
print(run_length("aaabccdddd"), run_length(""), run_length("abc"), [roman(n) for n in [1, 4, 9, 14, 40, 90, 400, 1994, 2024]])
for i in range(5):
    print(("*" * (2 * i + 1)).center(9).rstrip())
for r in range(1, 4):
    print(" ".join([f"{r * c:>3}" for c in range(1, 6)]))
vowels = {v: 0 for v in "aeiou"}
for ch in "the quick brown fox jumps over the lazy dog":
    if ch in vowels:
        vowels[ch] += 1
print(vowels, "".join(sorted("quick")), "-".join([str(n) for n in range(5)]), " ".join("spam eggs".split()[::-1]))
print("%-10s|%5.1f%%" % ("share", 45.678), f"{'title':=^21}", "|".join(["a".ljust(3), "b".rjust(3), "c".center(3)]))
