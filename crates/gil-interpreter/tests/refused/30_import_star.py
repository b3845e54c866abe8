# refused: 3:1 import *
print("must not run")
from math import *

print(sqrt(4))
