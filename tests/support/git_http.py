#!/usr/bin/env python3
"""Repositories over smart HTTP for tests: git's own http-backend behind a small server that can go wrong.

  git_http.py ROOT [--user USER --password PASSWORD] [--faults FILE] [--log FILE] [--port N]

Serves the bare repositories below ROOT (pushes, too) on a loopback port and prints one line:
`git=http://HOST:PORT`. With --user every request needs that user and password. SIGTERM ends it.

FILE is read anew for each request, so a test can write it at any time; it may be missing. A line is
`REGEX NTH ACTION [ARG]`: REGEX is searched for in "METHOD TARGET", NTH counts the requests that match since
the line came: `2`, `2+`, `1-3` or `*`. All lines that match act:

  status CODE     answered with that status; nothing is done
  sleep S         before anything else
  hang            no answer at all until the server ends or the client goes
  lose            the deed is done, the answer is not sent
  cut N           the answer ends after N bytes of its body
  old             the request's Git-Protocol header is not passed on: protocol 0
  body FILE       the bytes of FILE instead of the answer's body
  redirect URL    307 to URL and the target

The log has a JSON object a request: method, target, auth (the Authorization header as it came), protocol,
status, seconds that http-backend took, body bytes in and out.
"""
import argparse
import base64
import http.server
import json
import os
import re
import signal
import socketserver
import subprocess
import sys
import threading
import time


class Faults:
    def __init__(self, path):
        self.path, self.counts, self.lock = path, {}, threading.Lock()

    def lines(self):
        try:
            with open(self.path, encoding="utf-8") as f:
                return [line.strip() for line in f if line.strip()]
        except (OSError, TypeError):
            return []

    def of(self, request):
        """[(action, argument)] of this request."""
        found = []
        with self.lock:
            lines = self.lines()
            self.counts = {k: n for k, n in self.counts.items() if k in lines}
            for line in lines:
                regex, nth, action, *rest = line.split(" ", 3)
                if not re.search(regex.replace("%20", " "), request):
                    continue
                self.counts[line] = self.counts.get(line, 0) + 1
                if self.is_due(nth, self.counts[line]):
                    found.append((action, rest[0] if rest else ""))
        return found

    @staticmethod
    def is_due(nth, count):
        if nth == "*":
            return True
        if nth.endswith("+"):
            return count >= int(nth[:-1])
        first, _, last = nth.partition("-")
        return int(first) <= count <= int(last or first)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def is_let_in(self):
        o = self.server.options
        if o.user is None:
            return True
        wanted = base64.b64encode(f"{o.user}:{o.password}".encode()).decode()
        return self.headers.get("Authorization") == "Basic " + wanted

    def backend(self, body, is_old):
        """Status, headers and body of git http-backend for this request."""
        path, _, query = self.path.partition("?")
        env = {
            **self.server.environment,
            "GIT_PROJECT_ROOT": os.path.abspath(self.server.options.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_USER": self.server.options.user or "tester",
        }
        if self.headers.get("Git-Protocol") and not is_old:
            env["GIT_PROTOCOL"] = self.headers["Git-Protocol"]
        if self.headers.get("Content-Encoding"):
            env["HTTP_CONTENT_ENCODING"] = self.headers["Content-Encoding"]
        done = subprocess.run(["git", "http-backend"], input=body, env=env, stdout=subprocess.PIPE, check=False)
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        headers = [line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line]
        status = next((int(v.split()[0]) for k, v in headers if k.lower() == "status"), 200)
        return status, [(k, v) for k, v in headers if k.lower() != "status"], answer

    def answer(self, status, headers, body, cut=None):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.close_connection = True

    def serve(self):
        faults = self.server.faults.of(f"{self.command} {self.path}")
        given = dict(faults)
        body = self.read_body()
        note = {
            "method": self.command, "target": self.path, "auth": self.headers.get("Authorization"),
            "protocol": self.headers.get("Git-Protocol"), "in": len(body), "faults": [a for a, _ in faults],
        }
        if "sleep" in given:
            time.sleep(float(given["sleep"]))
        if "hang" in given:
            self.close_connection = True
            note["status"] = 0
            self.server.note(note)
            self.connection.settimeout(120)
            self.rfile.read(1)
            return
        if "redirect" in given:
            result = 307, [("Location", given["redirect"] + self.path)], b""
        elif "status" in given:
            result = int(given["status"]), [], b"made to fail\n"
        elif not self.is_let_in():
            result = 401, [("WWW-Authenticate", 'Basic realm="git"')], b"who are you?\n"
        else:
            start = time.monotonic()
            result = self.backend(body, "old" in given)
            note["seconds"] = round(time.monotonic() - start, 6)
        status, headers, out = result
        if "body" in given:
            with open(given["body"], "rb") as f:
                out = f.read()
        note.update(status=0 if "lose" in given else status, out=len(out))
        self.server.note(note)
        if "lose" in given:
            self.close_connection = True
            return
        self.answer(status, headers, out, int(given["cut"]) if "cut" in given else None)

    do_GET = do_POST = serve


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, options):
        super().__init__(("127.0.0.1", options.port), Handler)
        self.options, self.faults, self.lock = options, Faults(options.faults), threading.Lock()
        self.log = open(options.log, "a", encoding="utf-8") if options.log else None
        keep = ("PATH", "HOME", "GIT_CONFIG_NOSYSTEM", "LD_LIBRARY_PATH")
        self.environment = {k: os.environ[k] for k in keep if k in os.environ}
        # whoever may reach a test's server may push to it
        self.environment.update(GIT_CONFIG_COUNT="2", GIT_CONFIG_KEY_0="http.receivepack", GIT_CONFIG_VALUE_0="true",
                                GIT_CONFIG_KEY_1="safe.directory", GIT_CONFIG_VALUE_1="*")

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    def note(self, entry):
        if self.log:
            with self.lock:
                self.log.write(json.dumps(entry) + "\n")
                self.log.flush()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("--user")
    parser.add_argument("--password", default="")
    parser.add_argument("--faults")
    parser.add_argument("--log")
    parser.add_argument("--port", type=int, default=0)
    server = Server(parser.parse_args())
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    print("git=http://%s:%d" % server.server_address, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
