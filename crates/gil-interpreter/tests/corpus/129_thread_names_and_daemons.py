# Default names, enumeration, and daemons that do not keep the program alive.
# policies: tick gil32 gil310 gil313 free
import threading


def work():
    names.append(threading.current_thread().name)


class Named(threading.Thread):
    def run(self):
        names.append(self.name)


names = []
for _ in range(2):
    t = threading.Thread(target=work)
    t.start()
    t.join()
t = Named()
t.start()
t.join()
t = threading.Thread(target=work, name="mine")
t.name = "renamed"
t.start()
t.join()
print(names)
block = threading.Event()
started = threading.Event()


def forever():
    started.set()
    block.wait()
    print("never printed")


daemon = threading.Thread(target=forever, daemon=True)
daemon.start()
started.wait()
print(daemon.is_alive(), daemon.daemon, threading.active_count(), sorted([t.name for t in threading.enumerate()]))
print(threading.main_thread().name, threading.current_thread() is threading.main_thread(), daemon is threading.current_thread())
try:
    threading.current_thread().join()
except RuntimeError as error:
    print(error)
try:
    daemon.daemon = False
except RuntimeError as error:
    print(error)
idents = {}


def ident(key):
    idents[key] = threading.get_ident() == threading.current_thread().ident


t = threading.Thread(target=ident, args=("t",))
print(t.ident)
t.start()
t.join()
print(idents, t.ident is not None, t.is_alive())
print("the program ends although a daemon waits")
