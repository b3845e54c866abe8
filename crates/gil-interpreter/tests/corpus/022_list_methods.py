# Every method of list.
a = [3, 1, 2]
a.append(5)
a.extend([4, 4])
a.extend("xy")
a.insert(0, "first")
a.insert(-1, "before last")
a.insert(100, "end")
a.insert(-100, "start")
print(a, len(a))
print(a.pop(), a.pop(0), a.pop(-1), a)
a.remove("first")
a.remove("before last")
a.remove("x")
print(a, a.index(4), a.index(4, 5) if a.count(4) > 1 and len(a) > 5 else "-", a.count(4), a.count("no"))
a.reverse()
print(a)
b = a.copy()
b.clear()
print(a, b, a is not b)
a.sort()
print(a)
a.sort(reverse=True)
print(a)
print(a.append(0), a.sort(), a)
for action in ["pop", "remove", "index", "pop index"]:
    try:
        if action == "pop":
            [].pop()
        elif action == "remove":
            a.remove(99)
        elif action == "index":
            a.index(99)
        else:
            a.pop(50)
    except (IndexError, ValueError) as error:
        print(action, type(error).__name__, error)

stack = []
for token in "3 4 + 2 * 7 -".split():
    if token.isdigit():
        stack.append(int(token))
    else:
        right = stack.pop()
        left = stack.pop()
        if token == "+":
            stack.append(left + right)
        elif token == "-":
            stack.append(left - right)
        else:
            stack.append(left * right)
    print(token, stack)
