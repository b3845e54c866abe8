# refused: 5:13 list
print("must not run")


class Stack(list):
    def push(self, item):
        self.append(item)


print(Stack())
