# refused: 3:11 64
print("must not run")
biggest = 9223372036854775808
print(biggest)
