# sys.exit with a text writes it to stderr and exits with 1.
import sys

arguments = sys.argv[1:]
print(len(sys.argv), arguments)


def usage():
    sys.stdout.write("usage goes to stdout\n")
    sys.stderr.write("this goes to stderr\n")
    sys.exit("error: no input given")


if not arguments:
    usage()
print("not reached")
