# sys and os: argv, switch interval, streams, environment, process id.
# Threads by tick count instructions and have no interval to read back.
# policies: gil32 gil310 gil313 per-interp free
import os
import sys

print(len(sys.argv), sys.maxsize, sys.maxsize == 9223372036854775807, isinstance(sys.argv[0], str))
print(sys.getswitchinterval())
sys.setswitchinterval(0.001)
print(sys.getswitchinterval())
for bad in [0, -1.0]:
    try:
        sys.setswitchinterval(bad)
    except ValueError as error:
        print(error)
sys.setswitchinterval(0.005)
print(sys.getrecursionlimit() >= 1000, sys.version_info[0], sys.version_info >= (3, 10), sys.byteorder, sys.platform in ("linux", "darwin"))
print(sys.stdout.write("written\n"))
sys.stdout.flush()
print("to stderr", file=sys.stderr)
print("flushed", flush=True)
print(isinstance(os.getpid(), int), os.getpid() > 0, os.getpid() == os.getpid())
print(os.environ.get("NO_SUCH_VARIABLE_HERE"), os.environ.get("NO_SUCH_VARIABLE_HERE", "default"), "PATH" in os.environ, "NO_SUCH_VARIABLE_HERE" in os.environ)
print(len(os.environ["PATH"]) > 0, os.getenv("NO_SUCH_VARIABLE_HERE"), os.getenv("NO_SUCH_VARIABLE_HERE", "x"))
try:
    os.environ["NO_SUCH_VARIABLE_HERE"]
except KeyError as error:
    print("KeyError", error)
print(os.cpu_count() >= 1, __name__)
