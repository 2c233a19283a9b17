#!/usr/bin/env python3
"""A registry for tests: honest without a script, and lying exactly where the script says so.

  fault_registry.py [OPTION…] [--fault 'METHOD REGEX NTH ACTION [ARG…]']… [--script FILE.json]

It serves on free loopback ports and prints one line: `good=HOST:PORT evil=HOST:PORT`. Both serve the
same content; `evil` asks for no credentials and must never see any: what it saw is told in the log
({"evil_saw": …}) and makes the program end with 1. SIGTERM ends it.

A fault: METHOD is a regular expression of the whole method ("*": any), REGEX is searched for in the
request target (path and query), NTH counts the requests that match: `2`, `2+`, `1-3` or `*`. `{good}`
and `{evil}` in ARG stand for the two addresses, with their scheme. A script file is a list of such
lines. All faults that match a request act, in their order; the actions are in ACTIONS below:

  before the deed    status CODE [BODY] · challenge VALUE · realm URL · redirect URL [CODE] · expire_token
                     lose_session · cut · cut_upload N · stall_headers · endless_headers · delay S · early
  on the answer      recode CODE · header NAME VALUE · retry_after VALUE · lie_digest DIGEST · lie_size ±N
                     lie_length ±N · flip · swap FILE · content_type TYPE · ignore_range · location FORM
                     endless_link · big BYTES
  while sending      cut_after N · stall N · drip S

The log (--log, JSON lines): one object a request, written before its answer (status 0: it gets none),
with the faults that acted and the headers seen; and {"done": n, "sent": bytes} when it is over.
"""
import argparse
import base64
import http.server
import json
import os
import re
import secrets
import shutil
import signal
import socket
import ssl
import struct
import sys
import tempfile
import threading
import time
import urllib.parse

import registry_model
from registry_model import Answer, Model, Part, Refusal, refusal

ROUTES = [
    ("GET", r"/v2/?", None),
    ("GET", r"/v2/_catalog", "list_repositories"),
    ("GET|HEAD", r"/v2/(NAME)/blobs/([^/]+)", "get_blob"),
    ("DELETE", r"/v2/(NAME)/blobs/([^/]+)", "delete_blob"),
    ("POST", r"/v2/(NAME)/blobs/uploads/?", "start_upload"),
    ("PATCH", r"/v2/(NAME)/blobs/uploads/([^/]+)", "patch_upload"),
    ("PUT", r"/v2/(NAME)/blobs/uploads/([^/]+)", "put_upload"),
    ("GET", r"/v2/(NAME)/blobs/uploads/([^/]+)", "get_upload"),
    ("DELETE", r"/v2/(NAME)/blobs/uploads/([^/]+)", "delete_upload"),
    ("GET|HEAD", r"/v2/(NAME)/manifests/([^/]+)", "get_manifest"),
    ("PUT", r"/v2/(NAME)/manifests/([^/]+)", "put_manifest"),
    ("DELETE", r"/v2/(NAME)/manifests/([^/]+)", "delete_manifest"),
    ("GET", r"/v2/(NAME)/tags/list", "list_tags"),
    ("GET", r"/v2/(NAME)/referrers/([^/]+)", "list_referrers"),
]
ROUTES = [(m, re.compile(p.replace("NAME", registry_model.NAME)), f) for m, p, f in ROUTES]


class Hangup(Exception):
    """The connection ends now, without an answer."""


class Fill:
    """A body of so many bytes, made up while it is sent."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def pieces(self):
        piece = b" " * (1 << 18)
        for _ in range(self.length // len(piece)):
            yield piece
        yield piece[:self.length % len(piece)]


def pieces_of(body):
    return body.pieces() if hasattr(body, "pieces") else iter([body] if body else [])


# --- faults -----------------------------------------------------------------------------------------

def act_status(state, request, code, *body):
    request.answer = refusal(int(code), "UNKNOWN", "the fault registry was told to say so")
    if body:
        request.answer.body = " ".join(body).encode()


def act_challenge(state, request, *value):
    if request.answer is None or request.answer.status != 401:
        request.answer = refusal(401, "UNAUTHORIZED", "authentication required")
    request.answer.headers.append(("WWW-Authenticate", " ".join(value)))


def act_realm(state, request, url):
    act_challenge(state, request, 'Bearer realm="%s",service="story",scope="%s"' % (url, " ".join(scopes_of(request))))


def act_redirect(state, request, url, code="307"):
    target = url if "://" in url and url.count("/") > 2 else url + request.target
    request.answer = Answer(int(code), b"", [("Location", target)])


def act_expire_token(state, request):
    state.tokens.clear()


def act_lose_session(state, request):
    found = re.search(r"/uploads/([0-9a-f]+)", request.target)
    state.model.uploads.pop(found.group(1) if found else None, None)


def act_cut(state, request):
    raise Hangup()


def act_cut_upload(state, request, n):
    request.body_limit = int(n)


def act_stall_headers(state, request):
    request.wait_for_end()


def act_endless_headers(state, request):
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not state.is_ending.wait(0.02):
        request.wfile.write(b"X-More: %s\r\n" % (b"x" * 1000))


def act_delay(state, request, seconds):
    state.is_ending.wait(float(seconds))


def act_early(state, request):
    request.is_early = True


def act_ignore_range(state, request):
    request.is_range_ignored = True


BEFORE = {"status": act_status, "challenge": act_challenge, "realm": act_realm, "redirect": act_redirect,
          "expire_token": act_expire_token, "lose_session": act_lose_session, "cut": act_cut,
          "cut_upload": act_cut_upload, "stall_headers": act_stall_headers, "delay": act_delay,
          "endless_headers": act_endless_headers, "early": act_early, "ignore_range": act_ignore_range}


def bytes_of(answer):
    return b"".join(pieces_of(answer.body))


def act_recode(state, request, answer, code):
    answer.status = int(code)


def act_header(state, request, answer, name, *value):
    answer.headers.append((name, " ".join(value).replace("\\r", "\r").replace("\\n", "\n")))


def act_retry_after(state, request, answer, *value):
    answer.set("Retry-After", " ".join(value))


def act_lie_digest(state, request, answer, digest="sha256:" + "0" * 64):
    answer.set("Docker-Content-Digest", digest)


def act_lie_size(state, request, answer, change):
    """More or fewer bytes than there are, and a Content-Length that agrees with them."""
    data, change = bytes_of(answer), int(change)
    answer.body = data + b"\0" * change if change > 0 else data[:len(data) + change]


def act_lie_length(state, request, answer, change):
    """A Content-Length that the body does not have; the connection ends after the body."""
    answer.set("Content-Length", str(len(answer.body) + int(change)))
    request.close_connection = True


def act_flip(state, request, answer):
    data = bytearray(bytes_of(answer))
    data[len(data) // 2] ^= 1
    answer.body = bytes(data)


def act_swap(state, request, answer, path):
    answer.body = Part(path)


def act_content_type(state, request, answer, *value):
    answer.set("Content-Type", " ".join(value))


def act_location(state, request, answer, form):
    path = urllib.parse.urlsplit(answer.get("Location"))
    text = path.path + ("?" + path.query if path.query else "")
    if form == "query":
        text = path.path + "?_state=a%2Bb&c=d"
    answer.set("Location", request.base + text if form == "absolute" else text)


def act_endless_link(state, request, answer, target=None):
    """The next page is this one (or TARGET); without it, one that was never asked for."""
    path = request.target.split("?")[0]
    answer.set("Link", '<%s>; rel="next"' % (target or "%s?n=1&last=%s" % (path, secrets.token_hex(4))))


def act_big(state, request, answer, n):
    answer.body = Fill(int(n))


ANSWER = {"recode": act_recode, "header": act_header, "retry_after": act_retry_after, "lie_digest": act_lie_digest,
          "lie_size": act_lie_size, "lie_length": act_lie_length, "flip": act_flip, "swap": act_swap,
          "content_type": act_content_type, "location": act_location, "endless_link": act_endless_link,
          "big": act_big}
SENDING = ("cut_after", "stall", "drip")


class Fault:
    def __init__(self, line):
        words = line.split()
        if len(words) < 4 or words[3] not in {**BEFORE, **ANSWER} and words[3] not in SENDING:
            raise SystemExit("not a fault: %s" % line)
        self.line, (self.method, self.regex, nth, self.action), self.args = line, words[:4], words[4:]
        self.count, self.lock = 0, threading.Lock()
        first, last = re.fullmatch(r"(?:(\d+)(\+|-\d+)?|\*)", nth).groups()
        self.first = int(first or 1)
        self.last = self.first if first and not last else float("inf") if last in (None, "+") else int(last[1:])

    def matches(self, request):
        if self.method != "*" and not re.fullmatch(self.method, request.method):
            return False
        if not re.search(self.regex, request.target):
            return False
        with self.lock:
            self.count += 1
            return self.first <= self.count <= self.last


# --- authentication ---------------------------------------------------------------------------------

def scopes_of(request):
    """The scopes that a request needs, as a challenge names them."""
    found = re.match(r"/v2/(%s)/(?:blobs|manifests|tags|referrers)" % registry_model.NAME, request.target)
    if not found:
        return ["registry:catalog:*"] if "_catalog" in request.target else []
    actions = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}.get(request.method, "pull,push")
    scopes = ["repository:%s:%s" % (found.group(1), actions)]
    if request.query("from") and request.query("mount"):
        scopes.append("repository:%s:pull" % request.query("from"))
    return scopes


def scope_actions(scopes):
    granted = {}
    for scope in " ".join(scopes).split():
        resource, _, actions = scope.rpartition(":")
        granted.setdefault(resource, set()).update(actions.split(","))
    return granted


class Auth:
    """Who may do what: `none`, `basic`, or `bearer` with the token endpoint /token on the good listener."""

    def __init__(self, state, options):
        self.state, self.mode, self.user, self.password = state, options.auth, options.user, options.password
        self.refresh, self.seconds, self.options = options.refresh_token, options.token_seconds, options

    def is_basic(self, header):
        told = "Basic " + base64.b64encode(("%s:%s" % (self.user, self.password)).encode()).decode()
        return secrets.compare_digest((header or "").encode(), told.encode())

    def is_allowed(self, request):
        header = request.header("Authorization")
        if self.mode == "none" or request.server.is_evil:
            return True
        if self.mode == "basic":
            return self.is_basic(header)
        granted, until = self.state.tokens.get((header or "").partition(" ")[2], ({}, 0))
        if time.monotonic() >= until:
            return False
        needed = scope_actions(scopes_of(request))
        return all(actions <= granted.get(name, set()) for name, actions in needed.items())

    def refuse(self, request):
        if self.mode == "basic":
            value = 'Basic realm="story"'
        else:
            scopes = scopes_of(request)
            value = 'Bearer realm="%s/token",service="story"' % self.state.good
            value += ',scope="%s"' % " ".join(scopes) if scopes else ""
            if request.header("Authorization"):
                value += ',error="invalid_token"'
        return refusal(401, "UNAUTHORIZED", "authentication required", [("WWW-Authenticate", value)])

    def token(self, request):
        """GET with Basic (or nobody's), POST with a refresh token or a password."""
        form = urllib.parse.parse_qs(b"".join(request.pieces(1 << 20)).decode()) if request.method == "POST" \
            else request.parameters
        if request.method == "POST":
            who = {"refresh_token": form.get("refresh_token") == [self.refresh] and self.refresh,
                   "password": (form.get("username"), form.get("password")) == ([self.user], [self.password])}
            is_known = bool(who.get(form.get("grant_type", [""])[0]))
            if self.options.no_post:
                return refusal(404, "UNSUPPORTED", "no such page")
        else:
            is_known = self.is_basic(request.header("Authorization"))
        if not is_known and (request.header("Authorization") or request.method == "POST" or not self.options.anonymous):
            return refusal(401, "UNAUTHORIZED", "incorrect username or password")
        return self.issue(form.get("scope", []), is_known)

    def issue(self, scopes, is_known):
        granted = scope_actions(scopes)
        if not is_known:
            granted = {name: actions & {"pull"} for name, actions in granted.items()}
        token = secrets.token_urlsafe(24)
        self.state.tokens[token] = (granted, time.monotonic() + self.seconds)
        self.state.secrets.add(token)
        when = time.gmtime(time.time() + self.options.clock_off)
        answer = {self.options.token_field: token, "expires_in": self.seconds,
                  "issued_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", when)}
        if self.refresh and is_known:
            answer["refresh_token"] = self.refresh
        return Answer(200, json.dumps(answer).encode(), [("Content-Type", "application/json")])


# --- requests ---------------------------------------------------------------------------------------

class Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "fault-registry", ""
    timeout = 300

    def setup(self):
        if self.server.tls:
            self.request.settimeout(30)
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()

    def log_message(self, *_):
        pass

    # what the model asks of a request
    method = property(lambda self: self.command)
    target = property(lambda self: self.path)
    base = property(lambda self: self.server.url)
    has_body = property(lambda self: self.headers.get("Content-Length", "0") != "0" or self.is_chunked)
    is_chunked = property(lambda self: "chunked" in self.headers.get("Transfer-Encoding", ""))

    def header(self, name):
        return None if name == "Range" and self.is_range_ignored else self.headers.get(name)

    def query(self, name):
        return self.parameters.get(name, [None])[0]

    def pieces(self, limit=1 << 40):
        """The body; what is beyond `limit` is not read. A cut_upload fault ends it all."""
        self.is_body_read = True
        for data in self.chunks() if self.is_chunked else self.plain(int(self.headers.get("Content-Length", 0))):
            self.bytes_read += len(data)
            yield data
            if self.bytes_read >= min(limit, self.body_limit):
                self.close_connection = True
                if self.bytes_read >= self.body_limit:
                    raise Hangup()
                return

    def plain(self, left):
        while left > 0:
            data = self.rfile.read(min(left, 1 << 16, max(self.body_limit - self.bytes_read, 1)))
            if not data:
                raise Hangup()
            left -= len(data)
            yield data

    def chunks(self):
        while True:
            size = int(self.rfile.readline(100).split(b";")[0] or b"0", 16)
            if size == 0:
                while self.rfile.readline(10000).strip():
                    pass
                return
            yield from self.plain(size)
            self.rfile.readline(10)

    # one request
    def handle_one(self):
        state = self.server.state
        self.parameters = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        self.answer, self.acted, self.is_early, self.is_body_read = None, [], False, False
        self.body_limit, self.bytes_read, self.bytes_sent, self.is_range_ignored = 1 << 40, 0, 0, False
        status, self.number = 0, state.next_number()
        try:
            faults = [] if self.server.is_evil else [f for f in state.faults if f.matches(self)]
            self.acted = [f.line for f in faults]
            answer = self.deed(state, faults)
            status = answer.status
            state.log_request(self, status)
            self.send(state, answer, [f for f in faults if f.action in SENDING])
        except (Hangup, OSError):
            if status == 0:
                state.log_request(self, status)
            self.hang_up()
        finally:
            state.write({"done": self.number, "sent": self.bytes_sent})

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

    def deed(self, state, faults):
        for fault in faults:
            if fault.action in BEFORE:
                BEFORE[fault.action](state, self, *[state.expand(a) for a in fault.args])
        answer = self.answer or self.route(state)
        for fault in faults:
            if fault.action in ANSWER:
                ANSWER[fault.action](state, self, answer, *[state.expand(a) for a in fault.args])
        if not self.is_early and self.has_body and not self.is_body_read:
            for _ in self.pieces():
                pass
        return answer

    def route(self, state):
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
        if path == "/token" and self.method in ("GET", "POST"):
            return state.auth.token(self)
        if not state.auth.is_allowed(self):
            return state.auth.refuse(self)
        try:
            for methods, regex, name in ROUTES:
                found = regex.fullmatch(path)
                if found and self.method in methods.split("|"):
                    return getattr(state.model, name)(self, *found.groups()) if name else Answer(
                        200, b"{}", [("Content-Type", "application/json"), ("Docker-Distribution-API-Version", "registry/2.0")])
        except Refusal as r:
            return refusal(r.status, r.code, r.message, r.headers)
        return refusal(404, "UNSUPPORTED", "no such page")

    def send(self, state, answer, faults):
        has_no_body = answer.status in (204, 304)
        if answer.get("Content-Length") is None and not has_no_body:
            answer.set("Content-Length", str(len(answer.body)))
        lines = ["HTTP/1.1 %d %s" % (answer.status, self.responses.get(answer.status, ("Odd",))[0])]
        lines += ["%s: %s" % header for header in answer.headers]
        if self.close_connection or self.is_early:
            self.close_connection = True
            lines.append("Connection: close")
        self.wfile.write("\r\n".join(lines + ["", ""]).encode("utf-8"))
        if self.method != "HEAD" and not has_no_body:
            self.send_body(state, answer.body, {f.action: f.args for f in faults})

    def send_body(self, state, body, faults):
        stop = min(int(faults[a][0]) if faults[a] else 0 for a in ("cut_after", "stall") if a in faults) \
            if "cut_after" in faults or "stall" in faults else None
        for data in pieces_of(body):
            if stop is not None and self.bytes_sent + len(data) >= stop:
                self.put(data[:stop - self.bytes_sent])
                self.wfile.flush()
                if "stall" in faults:
                    self.wait_for_end()
                raise Hangup()
            if "drip" in faults:
                self.drip(state, data, float(faults["drip"][0]))
            else:
                self.put(data)

    def put(self, data):
        self.wfile.write(data)
        self.bytes_sent += len(data)

    def drip(self, state, data, seconds):
        for i in range(len(data)):
            if state.is_ending.wait(seconds):
                raise Hangup()
            self.put(data[i:i + 1])

    def wait_for_end(self):
        """Nothing more is sent until the other side gives up or this program ends."""
        self.connection.settimeout(0.2)
        while not self.server.state.is_ending.is_set():
            try:
                if not self.connection.recv(1 << 16):
                    break
            except TimeoutError:
                continue
        raise Hangup()

    def hang_up(self):
        """With a reset, so that what is on its way is lost as on a broken line."""
        self.close_connection = True
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        except OSError:
            pass

    def finish(self):
        try:
            super().finish()
            self.connection.close()
        except (OSError, ValueError):
            pass


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 128

    def __init__(self, host, state, is_evil, tls):
        super().__init__((host, 0), Request)
        self.state, self.is_evil, self.tls = state, is_evil, tls
        self.url = "%s://%s:%d" % ("https" if tls else "http", host, self.server_address[1])

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (OSError, ValueError)):
            super().handle_error(request, client_address)


class State:
    """All that the two listeners share."""

    def __init__(self, options, folder):
        self.faults = [Fault(line) for line in options.fault]
        self.model = Model(folder, options)
        self.tokens, self.secrets = {}, {options.password, options.refresh_token} - {None}
        self.auth = Auth(self, options)
        self.is_ending = threading.Event()
        self.log, self.log_lock = open(options.log, "a"), threading.Lock()
        self.requests, self.has_evil_seen = 0, False

    def next_number(self):
        with self.log_lock:
            self.requests += 1
            return self.requests

    def expand(self, text):
        return text.replace("{good}", self.good).replace("{evil}", self.evil)

    def write(self, entry):
        with self.log_lock:
            self.log.write(json.dumps(entry) + "\n")
            self.log.flush()

    def log_request(self, request, status):
        headers = {name.lower(): value for name, value in request.headers.items()}
        is_evil = request.server.is_evil
        self.write({"at": "evil" if is_evil else "good", "method": request.method, "target": request.target,
                    "status": status, "received": request.bytes_read, "n": request.number,
                    "faults": request.acted, "time": round(time.monotonic(), 3), "headers": headers})
        seen = [name for name in ("authorization", "cookie", "proxy-authorization") if name in headers]
        seen += [s for s in self.secrets if s in request.target or any(s in v for v in headers.values())]
        if is_evil and seen:
            self.has_evil_seen = True
            self.write({"evil_saw": seen, "method": request.method, "target": request.target})


def tls_context(options):
    if not options.tls:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*options.tls)
    if options.client_ca:
        context.load_verify_locations(options.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def parse(arguments):
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--fault", action="append", default=[])
    p.add_argument("--script", type=lambda f: json.load(open(f)), default=[])
    p.add_argument("--log", default=os.devnull)
    p.add_argument("--host", default="127.0.0.1", help="of the good listener")
    p.add_argument("--evil-host", default="127.0.0.1")
    p.add_argument("--evil-plain", action="store_true", help="no TLS on the evil listener")
    p.add_argument("--load", action="append", default=[], metavar="REPOSITORY=LAYOUT")
    p.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    p.add_argument("--client-ca", help="a client certificate of this authority is demanded")
    p.add_argument("--auth", choices=("none", "basic", "bearer"), default="none")
    p.add_argument("--user", default="robot")
    p.add_argument("--password", default="canary-password")
    p.add_argument("--refresh-token")
    p.add_argument("--anonymous", action="store_true", help="tokens for pulling without credentials")
    p.add_argument("--no-post", action="store_true", help="the token endpoint answers POST with 404")
    p.add_argument("--token-seconds", type=int, default=300)
    p.add_argument("--token-field", choices=("token", "access_token"), default="token")
    p.add_argument("--clock-off", type=int, default=0, help="seconds that issued_at is ahead")
    for name in ("referrers", "etags", "ranges", "mount", "tag_delete"):
        p.add_argument("--no-" + name.replace("_", "-"), dest=name, action="store_false")
    p.add_argument("--page", type=int, default=100)
    p.add_argument("--chunk-min", type=int, default=0)
    p.add_argument("--location", choices=("absolute", "relative", "query"), default="relative")
    p.add_argument("--manifest-max", type=int, default=registry_model.Options.manifest_max)
    options = p.parse_args(arguments)
    options.fault += options.script
    return options


def main(arguments):
    options = parse(arguments)
    folder = tempfile.mkdtemp(prefix="fault-registry.")
    try:
        state = State(options, folder)
        tls = tls_context(options)
        good = Listener(options.host, state, False, tls)
        evil = Listener(options.evil_host, state, True, None if options.evil_plain else tls)
        state.good, state.evil = good.url, evil.url
        for pair in options.load:
            state.model.load(*pair.split("=", 1))
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=good.shutdown).start())
        threading.Thread(target=evil.serve_forever, daemon=True).start()
        print("good=%s evil=%s" % (good.url.split("//")[1], evil.url.split("//")[1]), flush=True)
        good.serve_forever(0.1)
        state.is_ending.set()
        return 1 if state.has_evil_seen else 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
