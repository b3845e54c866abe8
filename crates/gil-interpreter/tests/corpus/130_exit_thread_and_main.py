# A thread fails, the main thread fails later: the exit code is that of the main thread.
# policies: tick gil32 gil310 gil313 free
import threading


class Failing(threading.Thread):
    def __init__(self, text):
        super().__init__()
        self.text = text
        self.reached = []

    def run(self):
        self.reached.append("begin")
        try:
            int(self.text)
        finally:
            self.reached.append("finally")
        self.reached.append("end")


good, bad = Failing("5"), Failing("five")
for t in [good, bad]:
    t.start()
    t.join()
print(good.reached, bad.reached)


def check(threads):
    for t in threads:
        if "end" not in t.reached:
            raise RuntimeError(f"{type(t).__name__} {t.text!r} did not reach its end")


check([good])
check([good, bad])
