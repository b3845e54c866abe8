# One thread serves several sockets by a selector; clients talk to it from the main thread.
# policies: tick gil32 gil310 gil313 free
import selectors
import socket
import threading

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
address = listener.getsockname()
log = []


def serve(clients):
    selector = selectors.DefaultSelector()
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ, data="listener")
    connections = 0
    closed = 0
    while closed < clients:
        events = selector.select(timeout=20)
        if not events:
            log.append("nothing happened for twenty seconds")
            break
        for key, mask in events:
            if key.data == "listener":
                connection, _ = key.fileobj.accept()
                connection.setblocking(False)
                selector.register(connection, selectors.EVENT_READ, data={"bytes": 0})
                connections += 1
                continue
            assert mask & selectors.EVENT_READ
            data = key.fileobj.recv(100)
            if data:
                key.data["bytes"] += len(data)
                key.fileobj.sendall(data[::-1])
            else:
                log.append(key.data["bytes"])
                selector.unregister(key.fileobj)
                key.fileobj.close()
                closed += 1
    selector.unregister(listener)
    log.append(("idle", selector.select(timeout=0), connections))
    selector.close()


server = threading.Thread(target=serve, args=(3,))
server.start()
clients = [socket.create_connection(address, timeout=20) for _ in range(3)]
for i, client in enumerate(clients):
    client.sendall(f"hello {i}".encode())
for client in clients:
    print(client.recv(100))
clients[1].sendall(b"once more")
print(clients[1].recv(100))
for client in clients:
    client.close()
server.join()
listener.close()
print(sorted(log[:3]), log[3:])
