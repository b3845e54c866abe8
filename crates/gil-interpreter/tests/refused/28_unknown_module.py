# refused: 3:8 numpy
print("must not run")
import numpy

print(numpy.zeros(3))
