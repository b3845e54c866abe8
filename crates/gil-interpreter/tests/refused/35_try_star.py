# refused: 3:1 except*
print("must not run")
try:
    raise ValueError("one")
except* ValueError as group:
    print(group)
