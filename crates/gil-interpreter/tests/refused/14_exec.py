# refused: 3:1 exec
print("must not run")
exec("x = 1")
print(x)
