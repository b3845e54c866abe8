# refused: 4:5 :=
print("must not run")
values = [1, 2, 3]
if (n := len(values)) > 2:
    print(n)
