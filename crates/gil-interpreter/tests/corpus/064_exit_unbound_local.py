# UnboundLocalError: a name that is assigned later in the function.
count = 10


def bump():
    global count
    count += 1
    return count


def broken(flag):
    if flag:
        local_count = 1
    return local_count + 1


print(bump(), bump())
print(broken(True))
print(broken(False))
