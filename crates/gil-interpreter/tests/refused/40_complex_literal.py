# refused: 3:9 complex
print("must not run")
z = 1 + 2j
print(z)
