# refused: 3:1 import
print("must not run")
from . import helper

print(helper)
