# An unhandled exception of the program's own class, raised from another.
class ConfigError(Exception):
    def __init__(self, key, reason):
        super().__init__(f"{key}: {reason}")
        self.key = key


def read(settings, key):
    try:
        return int(settings[key])
    except ValueError as error:
        raise ConfigError(key, "not a number") from error


settings = {"width": "80", "height": "tall"}
for key in settings:
    print(key, read(settings, key))
