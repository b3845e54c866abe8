# refused: 3:8 compile
print("must not run")
code = compile("1", "text", "eval")
print(code)
