# Processes: exit codes, arguments, globals that are not shared.
# policies: tick gil310 free per-interp
import multiprocessing
import os
import sys

counter = 0


def succeed(n):
    global counter
    counter += n
    sys.stdout.flush()


def leave(code):
    sys.exit(code)


def main():
    process = multiprocessing.Process(target=succeed, args=(5,))
    print(process.is_alive(), process.exitcode, process.pid)
    process.start()
    print(isinstance(process.pid, int), process.pid != os.getpid())
    process.join()
    print(process.is_alive(), process.exitcode, counter)
    for code in [0, 1, 7]:
        process = multiprocessing.Process(target=leave, args=(code,), name=f"leaver-{code}")
        process.start()
        process.join()
        print(process.name, process.exitcode)
    processes = [multiprocessing.Process(target=succeed, kwargs={"n": n}) for n in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)
    print([process.exitcode for process in processes], counter)


if __name__ == "__main__":
    main()
