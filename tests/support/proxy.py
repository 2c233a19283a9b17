#!/usr/bin/env python3
"""A proxy for tests, on a free loopback port: CONNECT and plain HTTP, or SOCKS5.

  proxy.py http|socks [--user USER:PASSWORD] [--map HOST:PORT=HOST:PORT]… [--refuse STATUS]

Prints its address in one line, then a line for each request: `CONNECT host:port`, `GET http://…`, or
`SOCKS name|address host:port`, and `DENIED` for one without the credentials that --user asks for.
--map says where a host that does not exist really is.
"""
import argparse
import base64
import socket
import socketserver
import struct
import sys
import threading
import urllib.parse


def pump(a, b):
    """Both ways until both ends are done."""
    def one_way(source, target):
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    back = threading.Thread(target=one_way, args=(b, a), daemon=True)
    back.start()
    one_way(a, b)
    back.join()


class Proxy(socketserver.StreamRequestHandler):
    def tell(self, *words):
        print(*words, flush=True)

    def connect(self, host, port):
        host, port = self.server.map.get("%s:%d" % (host, port), "%s:%d" % (host, port)).rsplit(":", 1)
        return socket.create_connection((host.strip("[]"), int(port)), timeout=20)


class HttpProxy(Proxy):
    def answer(self, status, *headers):
        lines = ["HTTP/1.1 %d X" % status, "Content-Length: 0", *headers, "", ""]
        self.wfile.write("\r\n".join(lines).encode())

    def handle(self):
        line = self.rfile.readline().decode().split()
        if len(line) != 3:
            return
        headers = []
        while (header := self.rfile.readline().decode().rstrip("\r\n")):
            headers.append(header)
        fields = {h.split(":", 1)[0].lower(): h.split(":", 1)[1].strip() for h in headers}
        self.tell(line[0], line[1])
        for name in ("authorization", "cookie"):
            if line[0] == "CONNECT" and name in fields:
                self.tell("SAW", name)
        wanted = self.server.user and "Basic " + base64.b64encode(self.server.user.encode()).decode()
        if wanted and fields.get("proxy-authorization") != wanted:
            self.tell("DENIED")
            self.answer(407, 'Proxy-Authenticate: Basic realm="proxy"')
        elif self.server.refuse:
            self.answer(self.server.refuse)
        elif line[0] == "CONNECT":
            host, port = line[1].rsplit(":", 1)
            with self.connect(host, int(port)) as upstream:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                pump(self.connection, upstream)
        else:
            self.forward(line, headers)

    def forward(self, line, headers):
        """One plain request; the connection ends with its answer."""
        url = urllib.parse.urlsplit(line[1])
        target = url.path + ("?" + url.query if url.query else "")
        kept = [h for h in headers if not h.lower().startswith(("proxy-", "connection:"))]
        with self.connect(url.hostname, url.port or 80) as upstream:
            upstream.sendall("\r\n".join([" ".join([line[0], target, line[2]]), *kept, "Connection: close", "", ""]).encode())
            pump(self.connection, upstream)


class SocksProxy(Proxy):
    """RFC 1928 and 1929, CONNECT alone."""

    def handle(self):
        _, n = self.rfile.read(2)
        methods = self.rfile.read(n)
        wanted = 2 if self.server.user else 0
        if wanted not in methods:
            self.tell("DENIED")
            self.wfile.write(b"\x05\xff")
            return
        self.wfile.write(bytes([5, wanted]))
        if wanted == 2 and not self.log_in():
            return
        _, command, _, kind = self.rfile.read(4)
        if kind == 3:
            how, host = "name", self.rfile.read(self.rfile.read(1)[0]).decode()
        else:
            how, family = "address", socket.AF_INET if kind == 1 else socket.AF_INET6
            host = socket.inet_ntop(family, self.rfile.read(4 if kind == 1 else 16))
        port = struct.unpack(">H", self.rfile.read(2))[0]
        self.tell("SOCKS", how, "%s:%d" % (host, port))
        with self.connect(host, port) as upstream:
            self.wfile.write(b"\x05\x00\x00\x01" + b"\x00" * 6)
            pump(self.connection, upstream)

    def log_in(self):
        self.rfile.read(1)
        user = self.rfile.read(self.rfile.read(1)[0]).decode()
        password = self.rfile.read(self.rfile.read(1)[0]).decode()
        is_good = "%s:%s" % (user, password) == self.server.user
        self.wfile.write(b"\x01\x00" if is_good else b"\x01\x01")
        if not is_good:
            self.tell("DENIED")
        return is_good


class Server(socketserver.ThreadingTCPServer):
    daemon_threads, allow_reuse_address = True, True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (OSError, ValueError)):
            super().handle_error(request, client_address)


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("kind", choices=("http", "socks"))
    p.add_argument("--user")
    p.add_argument("--map", action="append", default=[])
    p.add_argument("--refuse", type=int)
    options = p.parse_args()
    with Server(("127.0.0.1", 0), HttpProxy if options.kind == "http" else SocksProxy) as server:
        server.user, server.refuse = options.user, options.refuse
        server.map = dict(pair.split("=", 1) for pair in options.map)
        print("127.0.0.1:%d" % server.server_address[1], flush=True)
        server.serve_forever(0.1)


if __name__ == "__main__":
    main()
