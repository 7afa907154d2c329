# SPDX-License-Identifier: Apache-2.0
"""stream_peers: servers that the tests of raw TCP and UDP run inside a namespace, one process each.

    stream_peers.py tcp PORT MODE [NAME]      echo, banner, once, sink, proxy, reset, linger
    stream_peers.py tls PORT CERT KEY NAME    answers each connection with what it agreed on, then echoes
    stream_peers.py postgres PORT CERT KEY    SSLRequest, TLS, start-up message, then a refusal that names the database
    stream_peers.py udp PORT NAME             echoes with its name in front
"""

import socket
import ssl
import struct
import sys
import threading


def serve(port, handle):
    server = socket.create_server(("", port), backlog=512)
    while True:
        connection, peer = server.accept()
        threading.Thread(target=guard, args=(handle, connection, peer), daemon=True).start()


def guard(handle, connection, peer):
    try:
        handle(connection, peer)
    except OSError:
        pass
    finally:
        connection.close()


def read_all(connection):
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    return data


def echo(connection, _peer=None):
    while data := connection.recv(65536):
        connection.sendall(data)


def hard_close(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def tcp_modes(name):
    def banner(connection, peer):
        connection.sendall(f"hello from {name} to {peer[0]}\n".encode())
        echo(connection)

    def once(connection, _peer):  # reads all, then answers: half-close
        data = read_all(connection)
        connection.sendall(f"{name} got {len(data)} bytes\n".encode())

    def sink(connection, _peer):  # speaks at once, ends its side, goes on reading
        connection.sendall(b"bye\n")
        connection.shutdown(socket.SHUT_WR)
        data = read_all(connection)
        with open("/tmp/stream-sink-" + name, "wb") as file:
            file.write(str(len(data)).encode())

    def proxy(connection, _peer):  # tells the bytes in front of the first line end
        data = b""
        while b"DONE" not in data:
            chunk = connection.recv(4096)
            if not chunk:
                break
            data += chunk
        connection.sendall(data.hex().encode())

    def reset(connection, _peer):
        connection.recv(1)
        hard_close(connection)

    return {"echo": echo, "banner": banner, "once": once, "sink": sink, "proxy": proxy, "reset": reset}


def context_of(cert, key, protocols=("one", "two", "http/1.1")):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.set_alpn_protocols(list(protocols))
    return context


def tls(port, cert, key, name):
    context = context_of(cert, key)

    def handle(connection, _peer):
        secure = context.wrap_socket(connection, server_side=True)
        secure.sendall(f"{name} alpn={secure.selected_alpn_protocol()}\n".encode())
        echo(secure)

    serve(port, handle)


def take(connection, n):
    data = b""
    while len(data) < n:
        chunk = connection.recv(n - len(data))
        if not chunk:
            raise OSError("closed")
        data += chunk
    return data


def postgres(port, cert, key):
    context = context_of(cert, key)

    def handle(connection, _peer):
        length, code = struct.unpack("!II", take(connection, 8))
        if (length, code) == (8, 80877103):
            connection.sendall(b"S")
            connection = context.wrap_socket(connection, server_side=True)
            length, code = struct.unpack("!II", take(connection, 8))
        start = take(connection, length - 8)
        words = start.split(b"\0")
        message = b"SFATAL\0C3D000\0Mdatabase " + words[words.index(b"database") + 1] + b" is asked for\0\0"
        connection.sendall(b"E" + struct.pack("!I", len(message) + 4) + message)
        connection.recv(1)

    serve(port, handle)


def udp(port, name):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    server.bind(("", port))
    while True:
        data, peer = server.recvfrom(65536)
        if data.startswith(b"many "):
            for i in range(int(data[5:])):
                server.sendto(f"{name} {i}".encode(), peer)
        elif data.startswith(b"who"):
            server.sendto(f"{name} {peer[0]} {peer[1]}".encode(), peer)
        else:
            server.sendto(data, peer)


def main():
    kind, port, rest = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    if kind == "tcp":
        serve(port, tcp_modes(rest[1] if len(rest) > 1 else "server")[rest[0]])
    elif kind == "tls":
        tls(port, *rest)
    elif kind == "postgres":
        postgres(port, *rest)
    else:
        udp(port, *rest)


if __name__ == "__main__":
    main()
