#!/usr/bin/env python3
"""cupd is killed at every system call of a write, started again, and asked the same once more.

  put_kill.py --repo BARE --resources DIR --dir D --mode new|more|back|set [--forge KIND] [--sample N]

BARE is the repository before the write; D is an empty folder to work in. A first write is traced to learn the
calls that change anything (files, and what is sent); then for each of them (or --sample of them) a copy
of BARE gets a cupd of its own, which is killed when it is about to make the call. After that

  - git fsck --strict finds nothing, there is at most one branch of a proposal, and what was acknowledged is there;
  - a new cupd answers the same request with a proposal, and there is exactly one branch with the commits that
    the write makes, no lock, no second one after yet another retry.

Modes: new (a PUT with a key), more (a PUT that goes on with an open proposal, without a key), back (a PUT that
brings the object back, which closes the proposal), set (POST of two changes, with a key). With --forge the
proposals are in a forge.py of that kind: there is never more than one, and the second cupd opens the one that is missing
before it is asked anything.
"""
import argparse
import glob
import http.client
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time

CALLS = ["connect", "write", "pwrite64", "writev", "sendto", "sendmsg", "fsync", "fdatasync", "rename", "renameat", "renameat2",
         "link", "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "openat", "ftruncate"]
LINE = re.compile(r"^(\d+) +(\w+)\(")
WIDGETS = "/apis/demo.example/v1/namespaces/default/widgets/"


class Failed(Exception):
    pass


def widget(name, size):
    return {"apiVersion": "demo.example/v1", "kind": "Widget", "metadata": {"namespace": "default", "name": name},
            "spec": {"size": size}}


class Forge:
    """forge.py over the repository of one point."""

    def __init__(self, o, repo):
        here = os.path.dirname(os.path.abspath(__file__))
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(here, "forge.py"), "--kind", o.forge, "--repo", repo, "--name", "acme/site", "--token", "t",
             "--log", os.path.join(o.dir, "forge.log")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.url = self.process.stdout.readline().decode().strip().split("=", 1)[1]

    def open_ones(self):
        connection = http.client.HTTPConnection(self.url.split("/")[2], timeout=60)
        connection.request("GET", "/_/state")
        state = json.loads(connection.getresponse().read())
        connection.close()
        return [r for r in state["requests"] if r["state"] == "open"]

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Server:
    def __init__(self, o, repo, forge=None):
        flags = [] if forge is None else [
            "-api-git-scm", o.forge, "-api-git-scm-url", forge.url, "-api-git-scm-token", "t"]
        self.log = open(os.path.join(o.dir, "cupd.log"), "wb")
        self.process = subprocess.Popen(
            ["cupd", "serve", "-api-address", "127.0.0.1:0", "-api-source", "git", "-api-git-repo", repo, "-api-git-poll", "1h",
             "-api-data", os.path.join(o.dir, "data"), "-api-resources", o.resources, *flags],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)
        self.address = self.wait_for(rb"msg=Listening\.\.\. address=(\S+)").decode()

    def wait_for(self, pattern):
        for _ in range(1000):
            with open(self.log.name, "rb") as file:
                found = re.search(pattern, file.read())
            if found:
                return found.group(1)
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise Failed("cupd does not start:\n" + open(self.log.name, errors="replace").read())

    def ask(self, method, path, body, key):
        """(status, body), or None when it was gone before it answered."""
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.request(method, path, json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()


class Tracer:
    def __init__(self, server, log, *flags):
        self.process = subprocess.Popen(
            ["strace", "-f", "-p", str(server.process.pid), "-o", log, "-e", "trace=" + ",".join(CALLS), *flags],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while b"attached" not in self.process.stderr.readline():
            if self.process.poll() is not None:
                raise Failed("strace does not attach")
        time.sleep(0.05)  # to the other threads

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()


def git(repo, *args):
    done = subprocess.run(["git", "-C", repo, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise Failed("git %s: %s" % (" ".join(args), done.stdout.decode(errors="replace")))
    return done.stdout.decode().split("\n")[:-1]


def branches(repo):
    return git(repo, "for-each-ref", "--format=%(refname:lstrip=4)", "refs/heads/cup/proposal")


def count(repo, branch):
    return int(git(repo, "rev-list", "--count", "main..cup/proposal/" + branch)[0])


def locks(repo):
    return glob.glob(repo + "/**/*.lock", recursive=True)


def write(o, server):
    if o.mode == "set":
        changes = [{"op": "put", "object": widget(name, 7)} for name in ("a", "b")]
        return server.ask("POST", "/apis/cup.flipt.io/v1alpha1/changes", {"changes": changes}, "key")
    size = {"new": 7, "more": 7, "back": 0}[o.mode]
    return server.ask("PUT", WIDGETS + "a", widget("a", size), "key" if o.mode == "new" else None)


def prepare(o):
    """The repository as it is before the write: with an open proposal, where the mode wants one."""
    template = os.path.join(o.dir, "template.git")
    subprocess.run(["cp", "-a", o.repo, template], check=True)
    if o.mode in ("more", "back"):
        server = Server(o, template)
        answer = server.ask("PUT", WIDGETS + "a", widget("a", 1), None)
        server.end()
        if answer is None or answer[0] != 202:
            raise Failed("the first proposal: %r" % (answer,))
    return template


def fresh(o, template):
    repo = os.path.join(o.dir, "acme", "site.git")
    os.makedirs(os.path.dirname(repo), exist_ok=True)
    shutil.rmtree(repo, ignore_errors=True)
    subprocess.run(["cp", "-a", template, repo], check=True)
    return repo


def learn(o, template):
    repo = fresh(o, template)
    forge = Forge(o, repo) if o.forge else None
    server = Server(o, repo, forge)
    log = os.path.join(o.dir, "trace")
    tracer = Tracer(server, log)
    answer = write(o, server)
    tracer.end()
    server.end()
    if forge:
        forge.end()
    if answer is None or answer[0] not in (202, 204):
        raise Failed("the write itself: %r" % (answer,))
    counts = {}
    with open(log) as file:
        for line in file:
            found = LINE.match(line)
            if found:
                counts[found.groups()] = counts.get(found.groups(), 0) + 1
    most = {}
    for (_, name), number in counts.items():
        most[name] = max(number, most.get(name, 0))
    return [(name, n) for name in sorted(most) for n in range(1, most[name] + 1)]


def check_now(o, repo, answer):
    git(repo, "fsck", "--strict", "--no-progress", "--no-dangling")
    there = branches(repo)
    if len(there) > 1:
        raise Failed("there are %d branches" % len(there))
    if answer and answer[0] == 202 and there != [json.loads(answer[1])["id"]]:
        raise Failed("acknowledged, but the branches are %r" % there)
    if answer and answer[0] == 204 and there:
        raise Failed("acknowledged, but branch %r is there" % there)


def check_end(o, repo, answer):
    wanted = 204 if o.mode == "back" else 202
    if answer is None or answer[0] != wanted:
        raise Failed("the retry: %r" % (answer,))
    check_now(o, repo, answer)
    there = branches(repo)
    commits = [count(repo, branch) for branch in there]
    if commits != {"new": [1], "set": [1], "more": [2], "back": []}[o.mode]:
        raise Failed("after the retry there are branches %r with commits %r" % (there, commits))
    if locks(repo):
        raise Failed("locks are left: %r" % locks(repo))


def check_forge(forge, repo):
    """One request for each branch, made by cupd itself where it was missing."""
    for _ in range(1000):
        there = forge.open_ones()
        if len(there) > 1:
            raise Failed("the forge has %d open requests" % len(there))
        if len(there) == len(branches(repo)):
            return
        time.sleep(0.02)
    raise Failed("the forge has %d open requests, the repository %d branches" % (len(there), len(branches(repo))))


def point(o, template, name, number):
    repo = fresh(o, template)
    forge = Forge(o, repo) if o.forge else None
    try:
        return point_with(o, repo, forge, name, number)
    finally:
        if forge:
            forge.end()


def point_with(o, repo, forge, name, number):
    server = Server(o, repo, forge)
    tracer = Tracer(server, "/dev/null", "-e", "inject=%s:signal=KILL:when=%d" % (name, number))
    answer = write(o, server)
    for _ in range(20):
        if server.process.poll() is not None:
            break
        time.sleep(0.01)
    was_killed = server.process.poll() is not None
    server.end()
    tracer.end()
    check_now(o, repo, answer)
    server = Server(o, repo, forge)
    try:
        if forge:
            check_forge(forge, repo)
        check_end(o, repo, write(o, server))
        if o.mode != "more":
            check_end(o, repo, write(o, server))
        if forge:
            check_forge(forge, repo)
    finally:
        server.end()
    return was_killed


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--repo", required=True)
    parser.add_argument("--resources", required=True)
    parser.add_argument("--dir", required=True)
    parser.add_argument("--mode", required=True)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--forge")
    o = parser.parse_args()
    where = "before the first one"
    try:
        template = prepare(o)
        points = learn(o, template)
        chosen = points
        if o.sample and len(points) > o.sample:
            step = len(points) / o.sample
            rng = random.Random(o.seed)
            chosen = [points[int(i * step + rng.random() * step)] for i in range(o.sample)]
        killed = 0
        for name, number in chosen:
            where = "killed at %s number %d" % (name, number)
            killed += point(o, template, name, number)
        if killed * 2 < len(chosen):
            raise Failed("only %d of %d were killed" % (killed, len(chosen)))
    except Failed as failure:
        print("%s: %s" % (where, failure))
        with open(os.path.join(o.dir, "cupd.log"), errors="replace") as file:
            print("".join(file.readlines()[-6:]))
        return 1
    print("%s: %d points of %d, killed at %d" % (o.mode, len(chosen), len(points), killed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
