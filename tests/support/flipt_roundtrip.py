#!/usr/bin/env python3
"""Check the promise of the Flipt controller on real files, through cupd and Git.

  flipt_roundtrip.py --bin DIR --store DIR --image REF FILE...

Each FILE, alone as features.yml of a bare repository: every flag and segment is got and put back
unchanged (204); one description is changed (only its lines differ); a flag is added and one is
deleted (the rest stays byte for byte). Prints one line a file; exit 1 at the first difference.
"""
import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

GROUP = "/apis/flipt.io/v1alpha1"
PROPOSALS = "/apis/cup.flipt.io/v1alpha1/proposals"


class Failure(Exception):
    pass


def git(repo, *args):
    return subprocess.run(["git", "-C", repo, *args], check=True, capture_output=True).stdout


def make_repo(folder, path):
    seed = os.path.join(folder, "seed")
    repo = os.path.join(folder, "repo.git")
    os.makedirs(seed)
    shutil.copyfile(path, os.path.join(seed, "features.yml"))
    os.chmod(os.path.join(seed, "features.yml"), 0o644)
    git(seed, "init", "-q", "-b", "main")
    git(seed, "-c", "core.autocrlf=false", "add", ".")
    git(seed, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "seed")
    subprocess.run(["git", "clone", "-q", "--bare", seed, repo], check=True)
    return repo


class Server:
    def __init__(self, options, folder, repo):
        log = os.path.join(folder, "cupd.log")
        self.process = subprocess.Popen(
            [os.path.join(options.bin, "cupd"), "serve", "-api-address", "127.0.0.1:0",
             "-api-source", "git", "-api-git-repo", repo, "-api-image", options.image,
             "-api-store", options.store, "-api-data", os.path.join(options.store, "..", "data")],
            stdout=open(log, "wb"), stderr=subprocess.STDOUT)
        for _ in range(1200):
            text = open(log, errors="replace").read()
            found = re.search(r"msg=Listening\.\.\. address=(\S+)", text)
            if found:
                self.url = "http://" + found.group(1)
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise Failure("cupd did not start:\n" + text)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.url + path, method=method, data=body)
        if body is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read()

    def need(self, status, method, path, body=None):
        got, text = self.call(method, path, body)
        if got != status:
            raise Failure("%s %s: %d instead of %d: %s" % (
                method, path, got, status, text[:600].decode(errors="replace")))
        return text


def objects(server, plural):
    text = server.need(200, "GET", "%s/%s" % (GROUP, plural)).decode()
    return [json.loads(line) for line in text.splitlines() if line]


def object_path(plural, o):
    quote = lambda s: urllib.request.quote(s, safe="")
    return "%s/namespaces/%s/%s/%s" % (
        GROUP, quote(o["metadata"]["namespace"]), plural, quote(o["metadata"]["name"]))


def changed_chunk(old, new):
    """Lines that differ, common start and end taken off: (removed, added)."""
    a, b = old.splitlines(True), new.splitlines(True)
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    return a[start:len(a) - end], b[start:len(b) - end]


def propose(server, repo, method, path, body=None):
    """Carry out a change; the file on its proposal's branch. Closes the proposal."""
    result = json.loads(server.need(202, method, path, body))
    branch = "cup/proposal/" + result["id"]
    names = git(repo, "diff", "--name-only", "main", branch).decode().split()
    if names != ["features.yml"]:
        raise Failure("%s %s changed %s" % (method, path, names))
    new = git(repo, "show", branch + ":features.yml")
    server.need(200, "DELETE", "%s/%s" % (PROPOSALS, result["id"]))
    return new


def check_unchanged(server, plural, found):
    for o in found:
        path = object_path(plural, o)
        body = server.need(200, "GET", path)
        if json.loads(body) != o and [x["metadata"] for x in found].count(o["metadata"]) == 1:
            raise Failure("list and get of %s differ" % path)
        server.need(204, "PUT", path, body)


def is_description(lines):
    return not lines or re.match(rb'^\s*(- )?"?description"?\s*:', lines[0]) is not None


def is_flow_description(removed, added):
    """A flag on one line: but for its description the line is as it was."""
    member = rb",?\s*\"?description\"?\s*:\s*('(?:[^']|'')*'|\"[^\"]*\"|[^,}]*)"
    return re.sub(member, b"", b"".join(removed)) == re.sub(member, b"", b"".join(added))


def check_description(server, repo, old, plural, found):
    for o in found[:3] + found[-1:]:
        path = object_path(plural, o)
        body = json.loads(server.need(200, "GET", path))
        body["spec"]["description"] = "changed by the test: a # and 'quotes'"
        new = propose(server, repo, "PUT", path, json.dumps(body).encode())
        removed, added = changed_chunk(old, new)
        if is_flow_description(removed, added):
            continue
        if not is_description(removed) or not is_description(added) or not added:
            raise Failure("%s: more than the description changed:\n-%s\n+%s" % (
                path, b"-".join(removed).decode(), b"+".join(added).decode()))


def check_add(server, repo, old, plural, namespace, kind, spec):
    path = "%s/namespaces/%s/%s/cup-added" % (GROUP, namespace, plural)
    body = {"apiVersion": "flipt.io/v1alpha1", "kind": kind,
            "metadata": {"namespace": namespace, "name": "cup-added"}, "spec": spec}
    new = propose(server, repo, "PUT", path, json.dumps(body).encode())
    removed, added = changed_chunk(old, new)
    kept = [line for line in removed if not re.match(rb"^(flags|segments):( *\[\])?\s*$", line)]
    if (kept and b"".join(kept) not in b"".join(added)) or not added:
        raise Failure("%s: adding changed other lines:\n-%s\n+%s" % (
            path, b"-".join(removed).decode(), b"+".join(added).decode()))


def check_delete(server, repo, old, plural, found):
    for o in found[:2] + found[-1:]:
        path = object_path(plural, o)
        new = propose(server, repo, "DELETE", path)
        removed, added = changed_chunk(old, new)
        left = [x for x in added if not re.match(rb"^(flags|segments): *\[\]\s*$", x)]
        if left or not removed:
            raise Failure("%s: deleting changed other lines: +%s" % (path, b"+".join(left).decode()))


def check_file(options, path):
    folder = tempfile.mkdtemp(prefix="cup-roundtrip-")
    server = None
    try:
        repo = make_repo(folder, path)
        server = Server(options, folder, repo)
        old = open(path, "rb").read()
        flags, segments = objects(server, "flags"), objects(server, "segments")
        check_unchanged(server, "flags", flags)
        check_unchanged(server, "segments", segments)
        check_description(server, repo, old, "flags", flags)
        check_description(server, repo, old, "segments", segments)
        namespace = (flags or segments)[0]["metadata"]["namespace"]
        check_add(server, repo, old, "flags", namespace, "Flag",
                  {"type": "BOOLEAN_FLAG_TYPE", "description": "new: one", "enabled": True,
                   "rollouts": [{"threshold": {"percentage": 10, "value": True}}]})
        check_add(server, repo, old, "segments", namespace, "Segment",
                  {"match_type": "ANY_MATCH_TYPE", "constraints": [
                      {"type": "STRING_COMPARISON_TYPE", "property": "p", "operator": "eq",
                       "value": "v"}]})
        check_delete(server, repo, old, "flags", flags)
        check_delete(server, repo, old, "segments", segments)
        git(repo, "fsck", "--strict")
        print("%s: %d flags and %d segments in %d namespaces hold" % (
            os.path.basename(path), len(flags), len(segments),
            len({x["metadata"]["namespace"] for x in flags + segments})), flush=True)
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--store", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    for path in options.files:
        try:
            check_file(options, path)
        except Failure as failure:
            raise SystemExit("%s: %s" % (path, failure))


if __name__ == "__main__":
    main()
