"""What the benchmarks share: repositories made fast, cupd started and stopped, resources of a template controller."""
import http.client
import json
import os
import re
import signal
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

TEMPLATE_RESOURCES = {
    "definition.json": {
        "apiVersion": "cup.flipt.io/v1alpha1", "kind": "ResourceDefinition",
        "metadata": {"name": "widgets.bench.example"},
        "names": {"kind": "Widget", "singular": "widget", "plural": "widgets"},
        "spec": {"group": "bench.example", "versions": {"v1": {"type": "object"}}},
    },
    "controller.json": {
        "apiVersion": "cup.flipt.io/v1alpha1", "kind": "Controller",
        "metadata": {"name": "widgets"},
        "spec": {"type": "template", "spec": {
            "resource_template": "{{ .Namespace }}/{{ .Name }}.json",
            "list_template": "{{ .Namespace }}/*.json"}},
    },
    "binding.json": {
        "apiVersion": "cup.flipt.io/v1alpha1", "kind": "Binding",
        "metadata": {"name": "widgets"},
        "spec": {"controller": "widgets", "resources": ["bench.example/v1/widgets"]},
    },
}


def widget(ns, name, size):
    return {"apiVersion": "bench.example/v1", "kind": "Widget",
            "metadata": {"namespace": ns, "name": name, "labels": None, "annotations": None},
            "spec": {"size": size, "note": "a small object of the benchmark, of about 200 bytes"}}


def write_resources(folder):
    os.makedirs(folder)
    for name, value in TEMPLATE_RESOURCES.items():
        with open(os.path.join(folder, name), "w") as f:
            json.dump(value, f)
    return folder


def run(*args, **kw):
    return subprocess.run(args, check=True, capture_output=True, **kw).stdout


def import_repo(path, files):
    """A bare repository whose branch main holds these files (an iterator of path, bytes)."""
    run("git", "init", "-q", "--bare", "-b", "main", path)
    importer = subprocess.Popen(
        ["git", "-C", path, "fast-import", "--quiet"], stdin=subprocess.PIPE)
    out = importer.stdin
    out.write(b"commit refs/heads/main\ncommitter bench <bench@example.com> 1700000000 +0000\n"
              b"data 5\nstart\n")
    for name, data in files:
        out.write(b"M 100644 inline %s\ndata %d\n" % (name.encode(), len(data)))
        out.write(data + b"\n")
    out.close()
    if importer.wait() != 0:
        raise SystemExit("git fast-import failed")
    return path


class Cupd:
    def __init__(self, binary, *args, log):
        self.log = log
        self.process = subprocess.Popen(
            [binary, "serve", "-api-address", "127.0.0.1:0", "-log-level", "info", *args],
            stdout=open(log, "wb"), stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 900  # a first clone may take its time
        while True:
            text = open(log, errors="replace").read()
            found = re.search(r"msg=Listening\.\.\. address=(\S+)", text)
            if found:
                self.address = found.group(1)
                return
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("cupd did not start:\n" + text)
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)

    def connect(self):
        host, port = self.address.rsplit(":", 1)
        return http.client.HTTPConnection(host, int(port), timeout=60)

    def get(self, path):
        connection = self.connect()
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit("GET %s: %d %s" % (path, answer.status, body[:300]))
        return body
