#!/usr/bin/env python3
"""Each action of fault_registry.py does what it says; run without arguments."""
import http.client
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import fault_registry  # noqa: E402
from registry_model import digest_of  # noqa: E402

BLOB = bytes(range(256)) * 100
DIGEST = digest_of(BLOB)
PATH = "/v2/a/b/blobs/" + DIGEST


class Registry:
    """One running registry that holds BLOB in a/b."""

    def __init__(self, *faults, options=()):
        self.folder = tempfile.TemporaryDirectory()
        self.log = os.path.join(self.folder.name, "log")
        self.make_layout()
        command = [sys.executable, os.path.join(HERE, "fault_registry.py"), "--log", self.log,
                   "--load", "a/b=" + self.folder.name, *options]
        for fault in faults:
            command += ["--fault", fault]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.good, self.evil = [word.split("=")[1] for word in line.split()]

    def make_layout(self):
        os.makedirs(os.path.join(self.folder.name, "blobs", "sha256"))
        with open(os.path.join(self.folder.name, "blobs", "sha256", DIGEST[7:]), "wb") as f:
            f.write(BLOB)
        with open(os.path.join(self.folder.name, "index.json"), "w") as f:
            json.dump({"manifests": []}, f)

    def ask(self, method, path, body=None, at=None, headers=(), timeout=5):
        connection = http.client.HTTPConnection(at or self.good, timeout=timeout)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def end(self):
        self.process.terminate()
        self.process.stdout.close()
        code = self.process.wait()
        with open(self.log) as f:
            self.entries = [json.loads(line) for line in f]
        self.folder.cleanup()
        return code


class Faults(unittest.TestCase):
    def start(self, *faults, options=()):
        registry = Registry(*faults, options=options)
        self.addCleanup(lambda: registry.process.poll() is None and registry.end())
        return registry

    def blob(self, *faults, options=(), **more):
        return self.start(*faults, options=options).ask("GET", PATH, **more)

    def test_none_gives_the_blob(self):
        answer, data = self.blob()
        self.assertEqual((answer.status, data), (200, BLOB))

    def test_nth_counts_the_requests_that_match(self):
        for nth, wanted in (("2", [200, 503, 200, 200]), ("2+", [200, 503, 503, 503]), ("1-2", [503, 503, 200, 200]),
                            ("*", [503] * 4)):
            registry = self.start("GET /blobs/ %s status 503" % nth)
            registry.ask("GET", "/v2/")
            registry.ask("HEAD", PATH)
            self.assertEqual([registry.ask("GET", PATH)[0].status for _ in range(4)], wanted, nth)

    def test_status_retry_after_and_headers(self):
        answer, data = self.blob("* . * status 429 slow down", "* . * retry_after 2", '* . * header Warning 299 - "old"')
        self.assertEqual((answer.status, answer.getheader("Retry-After"), answer.getheader("Warning"), data),
                         (429, "2", '299 - "old"', b"slow down"))

    def test_cut_after_ends_the_connection_with_so_many_bytes(self):
        with self.assertRaises((http.client.IncompleteRead, ConnectionResetError)):
            self.blob("GET /blobs/ 1 cut_after 100")

    def test_cut_gives_no_answer(self):
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionResetError)):
            self.blob("GET /blobs/ 1 cut")

    def test_stalls_say_nothing_more(self):
        for fault in ("stall 10", "stall_headers", "drip 1", "endless_headers"):
            with self.assertRaises((TimeoutError, http.client.HTTPException), msg=fault):
                self.blob("GET /blobs/ 1 " + fault, timeout=0.5)

    def test_lies(self):
        answer, data = self.blob("* . * lie_digest sha256:1", "* . * flip")
        self.assertEqual(answer.getheader("Docker-Content-Digest"), "sha256:1")
        self.assertEqual(sum(a != b for a, b in zip(data, BLOB)), 1)
        self.assertEqual(len(self.blob("* . * lie_size +5")[1]), len(BLOB) + 5)
        self.assertEqual(len(self.blob("* . * lie_size -5")[1]), len(BLOB) - 5)
        self.assertEqual(self.blob("* . * content_type x/y")[0].getheader("Content-Type"), "x/y")
        self.assertEqual(len(self.blob("* . * big 1000001")[1]), 1000001)
        self.assertEqual(self.blob("* . * swap /dev/null")[1], b"")
        with self.assertRaises(http.client.IncompleteRead):
            self.blob("* . * lie_length +5")

    def test_ignore_range(self):
        asked = {"Range": "bytes=100-"}.items()
        self.assertEqual(self.blob(headers=asked)[0].status, 206)
        answer, data = self.blob("* . * ignore_range", headers=asked)
        self.assertEqual((answer.status, data), (200, BLOB))

    def test_redirect_and_realm(self):
        registry = self.start("GET /blobs/ 1 redirect {evil}", "GET /blobs/ 2 realm {evil}/token",
                              "GET /blobs/ 3 redirect http://x.example/y 302")
        self.assertEqual(registry.ask("GET", PATH)[0].getheader("Location"), "http://%s%s" % (registry.evil, PATH))
        answer, _ = registry.ask("GET", PATH)
        self.assertEqual(answer.status, 401)
        self.assertIn('realm="http://%s/token"' % registry.evil, answer.getheader("WWW-Authenticate"))
        answer, _ = registry.ask("GET", PATH)
        self.assertEqual((answer.status, answer.getheader("Location")), (302, "http://x.example/y"))

    def test_a_secret_at_the_evil_one_fails_the_run(self):
        for path, headers in (("/", {"Authorization": "x"}), ("/", {"Cookie": "a"}), ("/?t=canary-password", {})):
            registry = self.start()
            registry.ask("GET", path, at=registry.evil, headers=headers.items())
            self.assertEqual(registry.end(), 1)
            self.assertTrue(any("evil_saw" in entry for entry in registry.entries))
        registry = self.start()
        self.assertEqual(registry.ask("GET", PATH, at=registry.evil)[1], BLOB)
        self.assertEqual(registry.end(), 0)

    def test_sessions(self):
        registry = self.start("PATCH . 2 lose_session", "POST . 2 location absolute", "PUT . 1 cut_upload 10",
                              options=["--chunk-min", "100"])
        answer, _ = registry.ask("POST", "/v2/a/c/blobs/uploads/")
        self.assertEqual(answer.getheader("OCI-Chunk-Min-Length"), "100")
        place = answer.getheader("Location")
        self.assertEqual(registry.ask("PATCH", place, b"x" * 200)[0].status, 202)
        self.assertEqual(registry.ask("PATCH", place, b"x" * 200)[0].status, 404)
        place = registry.ask("POST", "/v2/a/c/blobs/uploads/")[0].getheader("Location")
        self.assertTrue(place.startswith("http://" + registry.good))
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
            registry.ask("PUT", place + "?digest=" + DIGEST, BLOB)
        self.assertEqual(registry.ask("GET", place)[0].getheader("Range"), "0-9")
        place = registry.ask("POST", "/v2/a/c/blobs/uploads/")[0].getheader("Location")
        registry.ask("PATCH", place, b"short")
        self.assertEqual(registry.ask("PATCH", place, b"x" * 200)[0].status, 400)

    def test_tokens(self):
        registry = self.start("GET /tags/ 2 expire_token", options=["--auth", "bearer", "--anonymous"])
        self.assertEqual(registry.ask("GET", "/v2/a/b/tags/list")[0].status, 401)
        token = json.loads(registry.ask("GET", "/token?scope=repository:a/b:pull,push")[1])["token"]
        bearer = {"Authorization": "Bearer " + token}.items()
        self.assertEqual(registry.ask("GET", PATH, headers=bearer)[0].status, 200)
        self.assertEqual(registry.ask("POST", "/v2/a/b/blobs/uploads/", headers=bearer)[0].status, 401)
        self.assertEqual(registry.ask("GET", "/v2/a/b/tags/list", headers=bearer)[0].status, 401)
        self.assertEqual(registry.ask("GET", PATH, headers=bearer)[0].status, 401)

    def test_endless_link(self):
        registry = self.start("GET /tags/ * endless_link")
        links = {registry.ask("GET", "/v2/a/b/tags/list")[0].getheader("Link") for _ in range(3)}
        self.assertEqual(len(links), 3)

    def test_every_action_is_described(self):
        for action in [*fault_registry.BEFORE, *fault_registry.ANSWER, *fault_registry.SENDING]:
            self.assertIn(action, fault_registry.__doc__)
        with self.assertRaises(SystemExit):
            fault_registry.Fault("GET / 1 bogus")


if __name__ == "__main__":
    unittest.main()
