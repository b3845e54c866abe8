# refused: 7:5 global
print("must not run")
count = 1

def f():
    count = 2
    global count
    return count


print(f())
