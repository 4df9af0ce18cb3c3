"""An HTTP proxy on loopback that forwards, and that may want a user and a password.

    with FakeProxy(user="me:secret") as proxy:        # 407 without
        …                                             # http_proxy=proxy.address(user="me:secret")
        proxy.asked                                   # the addresses, in order
"""
import base64
import socket
import threading
import urllib.parse


class FakeProxy:
    def __init__(self, user=""):
        self.user, self.asked = user, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def address(self, user=""):
        return f"http://{user + '@' if user else ''}127.0.0.1:{self.listener.getsockname()[1]}"

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        """One request a connection."""
        with connection, connection.makefile("rb") as incoming:
            try:
                method, address, _ = incoming.readline().decode("latin-1").split()
                headers = []
                while line := incoming.readline().strip():
                    headers.append(line)
                self.asked.append(address)
                wanted = b"Proxy-Authorization: Basic " + base64.b64encode(self.user.encode())
                if self.user and wanted not in headers:
                    connection.sendall(b'HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="x"\r\n'
                                       b"Content-Length: 0\r\nConnection: close\r\n\r\n")
                    return
                url = urllib.parse.urlsplit(address)
                kept = [h for h in headers if not h.lower().startswith((b"proxy-", b"connection:"))]
                target = url._replace(scheme="", netloc="").geturl()
                with socket.create_connection((url.hostname, url.port)) as server:
                    server.sendall(f"{method} {target} HTTP/1.1\r\n".encode() + b"\r\n".join(kept)
                                   + b"\r\nConnection: close\r\n\r\n")
                    server.shutdown(socket.SHUT_WR)
                    while data := server.recv(1 << 16):
                        connection.sendall(data)
            except (OSError, ValueError):
                pass
