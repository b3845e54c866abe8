# refused: 6:12 await
print("must not run")


def fetch(task):
    return await task


fetch(None)
