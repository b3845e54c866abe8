# A stack machine that runs a small instruction list: an interpreter inside the interpreter.
class Machine:
    def __init__(self, program):
        self.program = program
        self.labels = {op[1]: i for i, op in enumerate(program) if op[0] == "label"}
        self.stack = []
        self.names = {}
        self.output = []
        self.steps = 0

    def binary(self, operation):
        right = self.stack.pop()
        left = self.stack.pop()
        self.stack.append(operation(left, right))

    def run(self, limit=10000):
        operations = {
            "add": lambda a, b: a + b,
            "sub": lambda a, b: a - b,
            "mul": lambda a, b: a * b,
            "mod": lambda a, b: a % b,
            "less": lambda a, b: a < b,
        }
        pc = 0
        while pc < len(self.program):
            self.steps += 1
            if self.steps > limit:
                raise RuntimeError(f"more than {limit} steps")
            op, *args = self.program[pc]
            pc += 1
            if op == "push":
                self.stack.append(args[0])
            elif op == "load":
                self.stack.append(self.names[args[0]])
            elif op == "store":
                self.names[args[0]] = self.stack.pop()
            elif op in operations:
                self.binary(operations[op])
            elif op == "jump":
                pc = self.labels[args[0]]
            elif op == "jump_if_false":
                if not self.stack.pop():
                    pc = self.labels[args[0]]
            elif op == "print":
                self.output.append(self.stack.pop())
            elif op != "label":
                raise ValueError(f"unknown operation {op!r} at {pc - 1}")
        return self.output


FACTORIALS = [("push", 1), ("store", "n"), ("push", 1), ("store", "f"), ("label", "top"), ("load", "n"), ("push", 11), ("less",), ("jump_if_false", "end"), ("load", "f"), ("load", "n"), ("mul",), ("store", "f"), ("load", "f"), ("print",), ("load", "n"), ("push", 1), ("add",), ("store", "n"), ("jump", "top"), ("label", "end")]
machine = Machine(FACTORIALS)
print(machine.run(), machine.steps, machine.names)
for program in [[("push", 1), ("fly",)], [("label", "x"), ("jump", "x")], [("load", "missing")], [("add",)]]:
    try:
        Machine(program).run(limit=100)
    except (ValueError, RuntimeError, KeyError, IndexError) as error:
        print(type(error).__name__, error)
