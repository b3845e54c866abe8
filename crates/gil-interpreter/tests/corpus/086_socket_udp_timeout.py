# Datagrams, time-outs, non-blocking sockets, socketpair.
import socket

a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
a.bind(("127.0.0.1", 0))
b.bind(("127.0.0.1", 0))
a.settimeout(10)
b.settimeout(10)
print(a.sendto(b"ping", b.getsockname()))
data, address = b.recvfrom(100)
print(data, address == a.getsockname())
b.sendto(b"pong " + data, address)
print(a.recvfrom(100)[0])
a.sendto(b"", b.getsockname())
print(b.recvfrom(10)[0], a.gettimeout())
a.settimeout(0.01)
try:
    a.recvfrom(10)
except socket.timeout as error:
    print(type(error).__name__, error, isinstance(error, OSError), socket.timeout is TimeoutError)
a.setblocking(False)
try:
    a.recvfrom(10)
except BlockingIOError as error:
    print(type(error).__name__, a.gettimeout())
a.close()
b.close()
left, right = socket.socketpair()
left.settimeout(10)
right.settimeout(10)
for i in range(3):
    left.sendall(f"message {i}".encode())
    print(right.recv(100))
right.sendall(b"abc" * 4)
print(left.recv(5), left.recv(100))
left.close()
print(right.recv(10), right.fileno() >= 0)
right.close()
print(right.fileno(), left.fileno())
