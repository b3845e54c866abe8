# queue.Queue: order, size, blocking with time-outs, Empty and Full.
# policies: tick gil32 gil310 gil313 free
import queue

q = queue.Queue()
print(q.empty(), q.full(), q.qsize())
for item in [1, "two", None, [3]]:
    q.put(item)
print(q.qsize(), q.empty(), [q.get() for _ in range(4)])
try:
    q.get(block=False)
except queue.Empty as error:
    print("Empty", error.args)
try:
    q.get_nowait()
except queue.Empty:
    print("Empty again")
try:
    q.get(timeout=0.01)
except queue.Empty:
    print("Empty after a time-out")
small = queue.Queue(maxsize=2)
small.put("a")
small.put_nowait("b")
print(small.full(), small.qsize(), small.maxsize)
for attempt in ["put_nowait", "timeout", "block"]:
    try:
        if attempt == "put_nowait":
            small.put_nowait("c")
        elif attempt == "timeout":
            small.put("c", timeout=0.01)
        else:
            small.put("c", block=False)
    except queue.Full:
        print("Full", attempt)
print(small.get(), small.get())
for _ in range(5):
    small.put(1)
    small.get()
small.put("x")
small.get()
for _ in range(8):
    small.task_done()
small.join()
try:
    small.task_done()
except ValueError as error:
    print(error)
stack = queue.LifoQueue()
for n in range(3):
    stack.put(n)
print([stack.get() for _ in range(3)])
heap = queue.PriorityQueue()
for n in [3, 1, 2]:
    heap.put((n, f"job {n}"))
print([heap.get() for _ in range(3)])
print(issubclass(queue.Empty, Exception), isinstance(q, queue.Queue))
