# refused: 4:1 return
print("must not run")
x = 1
return x
