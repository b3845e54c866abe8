# refused: 4:10 sentinel
print("must not run")
values = [3, 2, 1, 0]
for v in iter(values.pop, 3):
    print(v)
