# An exception ends its thread, not the program; join still returns.
# policies: tick gil32 gil310 gil313 free
import sys
import threading

log = []


def fail(n):
    try:
        log.append(f"start {n}")
        return 10 // n
    finally:
        log.append(f"finally {n}")


def leave():
    log.append("leaving")
    sys.exit(3)


def guarded(n, errors):
    try:
        fail(n)
    except ZeroDivisionError as error:
        errors.append(error)


errors = []
t = threading.Thread(target=guarded, args=(0, errors))
t.start()
t.join()
print(log, [repr(e) for e in errors])
log.clear()
t = threading.Thread(target=leave)
t.start()
t.join()
print(log, t.is_alive())
log.clear()
t = threading.Thread(target=fail, args=(0,), name="failing")
t.start()
t.join()
print(log, t.is_alive())
print("the main thread goes on")
