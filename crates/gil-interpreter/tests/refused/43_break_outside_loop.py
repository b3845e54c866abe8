# refused: 5:5 break
print("must not run")

if True:
    break
