# Counting down in two interpreters of one process, each with a lock of its own (PEP 684): CPython 3.12 and later.
#
# The two shares on a thread each, and just before that in sequence.
import threading

try:
    import _interpreters

    def new_interpreter():
        return _interpreters.create("isolated")

    run_string = _interpreters.run_string
except ImportError:
    import _xxsubinterpreters

    def new_interpreter():
        return _xxsubinterpreters.create(isolated=True)

    run_string = _xxsubinterpreters.run_string

SCRIPT = """
def countdown(n):
    while n > 0:
        n -= 1

countdown(%d)
"""


def in_sequence(interpreters, script):
    start = now()
    for interpreter in interpreters:
        run_string(interpreter, script)
    return now() - start


def in_threads(interpreters, script):
    threads = [threading.Thread(target=run_string, args=(interpreter, script)) for interpreter in interpreters]
    start = now()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return now() - start


def main():
    chosen = words({"turns": "100000", "tries": "1"})
    script = SCRIPT % int(chosen["turns"])
    interpreters = [new_interpreter() for _ in range(2)]
    before = []
    took = []
    for _ in range(int(float(chosen["tries"]))):
        before.append(in_sequence(interpreters, script))
        took.append(in_threads(interpreters, script))
    figure("wall_ms", [seconds * 1000.0 for seconds in took])
    figure("ratio", [took[at] / before[at] for at in range(len(took))])


if __name__ == "__main__":
    main()
