# One thread serves several sockets by a selector.
import selectors
import socket

selector = selectors.DefaultSelector()
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
listener.setblocking(False)
selector.register(listener, selectors.EVENT_READ, data="listener")
clients = [socket.create_connection(listener.getsockname(), timeout=10) for _ in range(3)]
for i, client in enumerate(clients):
    client.sendall(f"client {i}".encode())
open_connections = 0
served = 0
while served < 3 or open_connections > 0:
    events = selector.select(timeout=10)
    assert events, "nothing happened for ten seconds"
    for key, mask in events:
        if key.data == "listener":
            connection, address = key.fileobj.accept()
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ, data=[])
            open_connections += 1
            served += 1
        elif mask & selectors.EVENT_READ:
            connection = key.fileobj
            data = connection.recv(100)
            if data:
                key.data.append(data)
                connection.sendall(data[::-1])
            else:
                selector.unregister(connection)
                connection.close()
                open_connections -= 1
    if served == 3:
        for client in clients:
            if client.fileno() >= 0 and open_connections > 0:
                print(client.recv(100)) if False else None
        replies = []
        for client in clients:
            if client.fileno() < 0:
                continue
            client.settimeout(0.5)
            try:
                replies.append(client.recv(100))
                client.close()
            except TimeoutError:
                pass
        for reply in replies:
            served += 0
            assert reply.endswith(b"tneilc"), reply
selector.unregister(listener)
listener.close()
print("served", served, "open", open_connections, selector.select(timeout=0))
selector.close()
