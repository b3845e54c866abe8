# How the programs with an event loop wait for sockets.
import multiprocessing

try:
    import selectors
except ImportError:
    selectors = None  # 2.7: see Poller.


class Poller:
    """Waits until one of several sockets is readable: by `selectors`, or by `select` on 2.7, which has no selectors.

    `select` is no module of our interpreter, so it is not imported by name: multiprocessing of 2.7 has done so.
    """

    def __init__(self):
        self.sockets = []
        self.select = None
        self.selector = None
        if selectors is None:
            self.select = getattr(sys, "modules")["select"].select
        else:
            self.selector = selectors.DefaultSelector()

    def add(self, sock):
        self.sockets.append(sock)
        if self.selector is not None:
            self.selector.register(sock, selectors.EVENT_READ)

    def remove(self, sock):
        self.sockets.remove(sock)
        if self.selector is not None:
            self.selector.unregister(sock)

    def ready(self):
        if self.selector is not None:
            return [key.fileobj for key, _ in self.selector.select()]
        return self.select(self.sockets, [], [])[0]


