#!/usr/bin/env python3
"""A token server for tests, as docker-registry's token authentication wants it.

  token_server.py DIR [--refresh] [--no-post] [--lifetime S]

DIR/key.pem and DIR/root.pem (a certificate of that key, the registry's rootcertbundle) sign its tokens;
`token_server.py DIR --make` makes both. It listens on a free loopback port and prints `token server on
HOST:PORT`. Users stand in DIR/users, one `name:password` a line: they may pull and push below team/;
without credentials one may pull below public/. --refresh: who asks with offline_token gets a refresh
token, which is the user's name and a secret out of DIR/refresh. --no-post: a POST is answered with 404.

DIR/log holds one JSON object a request: method, user, grant, scopes, offline; never a secret.
source: distribution "Token Authentication Specification", "OAuth2 Token Authentication"
"""
import base64
import http.server
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.parse

ISSUER = "story"


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=story",
                    "-keyout", folder + "/key.pem", "-out", folder + "/root.pem"], check=True, stderr=subprocess.DEVNULL)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder, flags, lifetime):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.flags, self.lifetime = folder, flags, lifetime
        pem = open(folder + "/root.pem").read()
        self.certificate = "".join(line for line in pem.splitlines() if not line.startswith("-"))
        with open(folder + "/users") as f:
            self.users = dict(line.rstrip("\n").split(":", 1) for line in f)
        self.refresh = {"rt-%s-%s" % (user, open(folder + "/refresh").read().strip()): user for user in self.users}

    def sign(self, claims):
        head = {"typ": "JWT", "alg": "RS256", "x5c": [self.certificate]}
        text = b64url(json.dumps(head).encode()) + "." + b64url(json.dumps(claims).encode())
        done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.folder + "/key.pem"], input=text.encode(),
                              stdout=subprocess.PIPE, check=True)
        return text + "." + b64url(done.stdout)

    def token(self, user, service, scopes):
        now = int(time.time())
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":", 2)
            allowed = {"pull", "push"} if user and name.startswith("team/") else set()
            if name.startswith("public/"):
                allowed |= {"pull"}
            granted = [a for a in actions.split(",") if a in allowed]
            if granted:
                access.append({"type": kind, "name": name, "actions": granted})
        return self.sign({"iss": ISSUER, "sub": user or "", "aud": service, "exp": now + self.lifetime, "nbf": now - 60,
                          "iat": now, "jti": secrets.token_hex(8), "access": access})


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def note(self, user, form, grant):
        row = {"method": self.command, "user": user, "grant": grant, "scopes": scopes_of(form),
               "offline": form.get("offline_token", [""])[0] == "true"}
        with open(self.server.folder + "/log", "a") as f:
            f.write(json.dumps(row) + "\n")

    def basic_user(self):
        """The user's name, None for nobody, False for wrong credentials."""
        header = self.headers.get("Authorization", "")
        if not header.startswith("Basic "):
            return None
        user, _, password = base64.b64decode(header[6:]).decode().partition(":")
        return user if self.server.users.get(user) == password else False

    def do_GET(self):
        form = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        user = self.basic_user()
        self.note(user, form, "basic" if user else "anonymous")
        if user is False:
            return self.answer(401, {"details": "incorrect username or password"})
        body = {"token": self.server.token(user, form.get("service", [""])[0], scopes_of(form)),
                "expires_in": self.server.lifetime}
        if user and "--refresh" in self.server.flags and form.get("offline_token") == ["true"]:
            body["refresh_token"] = next(t for t, name in self.server.refresh.items() if name == user)
        self.answer(200, body)

    def do_POST(self):
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        form = urllib.parse.parse_qs(text)
        user = self.server.refresh.get(form.get("refresh_token", [""])[0])
        self.note(user, form, form.get("grant_type", [""])[0])
        if "--no-post" in self.server.flags:
            return self.answer(404, {})
        if not user:
            return self.answer(401, {"details": "no such refresh token"})
        self.answer(200, {"access_token": self.server.token(user, form.get("service", [""])[0], scopes_of(form)),
                          "expires_in": self.server.lifetime, "scope": " ".join(scopes_of(form))})


def scopes_of(form):
    return [scope for text in form.get("scope", []) for scope in text.split()]


def main(args):
    folder, flags = args[0], args[1:]
    if "--make" in flags:
        return make(folder)
    lifetime = int(flags[flags.index("--lifetime") + 1]) if "--lifetime" in flags else 300
    os.umask(0o077)
    open(folder + "/log", "a").close()
    server = Server(folder, flags, lifetime)
    print("token server on 127.0.0.1:%d" % server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
