# refused: 5:1 async
print("must not run")


async def fetch():
    return 1


fetch()
