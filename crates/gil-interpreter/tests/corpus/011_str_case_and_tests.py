# Case methods and the is-tests.
words = ["Hello World", "python", "ABC", "they're bill's", "a1b2", "", "x-ray", "ÉCOLE été"]
for w in words:
    print(repr(w), w.upper(), w.lower(), w.title(), w.capitalize(), w.swapcase(), w.casefold())
tests = ["123", "abc", "ABC", "a1", " ", "", "\t\n", "1.5", "-1", "Title Case", "aB", "_id", "9lives", "½", "٣"]
for t in tests:
    print(
        repr(t),
        t.isdigit(),
        t.isalpha(),
        t.isalnum(),
        t.isspace(),
        t.isupper(),
        t.islower(),
        t.istitle(),
        t.isidentifier(),
        t.isnumeric(),
        t.isdecimal(),
    )
