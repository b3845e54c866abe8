# refused: 3:11 set
print("must not run")
lengths = {len(word) for word in ["a", "bb", "cc"]}
print(len(lengths))
