# A TCP echo server in a thread, clients in the main thread.
# policies: tick gil32 gil310 gil313 free
import socket
import threading

listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 0))
listener.listen(5)
host, port = listener.getsockname()
print(host, port > 0)


def serve(clients):
    for _ in range(clients):
        connection, address = listener.accept()
        with connection:
            assert address[0] == "127.0.0.1"
            while True:
                data = connection.recv(1024)
                if not data:
                    break
                connection.sendall(data.upper())


server = threading.Thread(target=serve, args=(2,))
server.start()


def receive_exactly(sock, count):
    parts = b""
    while len(parts) < count:
        part = sock.recv(count - len(parts))
        if not part:
            break
        parts += part
    return parts


with socket.create_connection(("127.0.0.1", port)) as client:
    for message in [b"hello", b"world", b"x" * 5000]:
        client.sendall(message)
        reply = receive_exactly(client, len(message))
        print(len(reply), reply[:10])
second = socket.socket()
second.connect(("127.0.0.1", port))
print(second.send(b"again") == 5, receive_exactly(second, 5))
second.shutdown(socket.SHUT_WR)
print(second.recv(10))
second.close()
server.join()
listener.close()
try:
    listener.accept()
except OSError as error:
    print(type(error).__name__)
unused = socket.socket()
unused.bind(("127.0.0.1", 0))
free_port = unused.getsockname()[1]
unused.close()
try:
    socket.create_connection(("127.0.0.1", free_port), timeout=5)
except ConnectionRefusedError as error:
    print(type(error).__name__, isinstance(error, OSError))
