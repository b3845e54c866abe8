# refused: 9:1 decorator
print("must not run")


def register(kind):
    return kind


@register
class Plugin:
    pass
