"""What a registry of the OCI distribution specification 1.1 keeps, and its answers, without any HTTP
server around them: fault_registry.py carries the requests and bends the answers.

Blobs lie in one folder by digest; each repository knows which of them are its own, so that mounting
means something. Manifests, tags and upload sessions are kept in memory. One lock guards all of it.
"""
import hashlib
import json
import os
import re
import threading
import uuid

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
TYPES = (MANIFEST, INDEX, "application/vnd.docker.distribution.manifest.v2+json",
         "application/vnd.docker.distribution.manifest.list.v2+json")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"


def digest_of(data, algorithm="sha256"):
    return algorithm + ":" + hashlib.new(algorithm, data).hexdigest()


class Refusal(Exception):
    """An answer that is an error; `code` is one of the specification's error codes."""

    def __init__(self, status, code, message, headers=()):
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers


class Part:
    """A body that is a piece of a file."""

    def __init__(self, path, start=0, length=None):
        self.path, self.start = path, start
        self.length = os.path.getsize(path) - start if length is None else length

    def __len__(self):
        return self.length

    def pieces(self):
        left = self.length
        with open(self.path, "rb") as f:
            f.seek(self.start)
            while left > 0:
                data = f.read(min(left, 1 << 18))
                if not data:
                    return
                left -= len(data)
                yield data


class Answer:
    """Status, headers (a list of pairs) and a body: bytes or something with len() and pieces()."""

    def __init__(self, status, body=b"", headers=()):
        self.status, self.body, self.headers = status, body, list(headers)

    def set(self, name, value):
        self.headers = [h for h in self.headers if h[0].lower() != name.lower()] + [(name, value)]

    def get(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)


def refusal(status, code, message, headers=()):
    body = json.dumps({"errors": [{"code": code, "message": message, "detail": None}]}).encode()
    return Answer(status, body, [("Content-Type", "application/json"), *headers])


class Upload:
    def __init__(self, folder, repository):
        self.id = uuid.uuid4().hex
        self.repository = repository
        self.path = os.path.join(folder, "upload-" + self.id)
        self.size = 0
        self.is_short = False  # its last chunk was below OCI-Chunk-Min-Length
        open(self.path, "wb").close()

    def take(self, pieces):
        with open(self.path, "r+b") as f:
            f.seek(self.size)
            for data in pieces:
                f.write(data)
                self.size += len(data)

    def digest(self, algorithm):
        h = hashlib.new(algorithm)
        for data in Part(self.path).pieces():
            h.update(data)
        return algorithm + ":" + h.hexdigest()


class Repository:
    def __init__(self):
        self.blobs = set()
        self.manifests = {}  # digest: (bytes, media type)
        self.tags = {}       # tag: digest


class Options:
    """How this registry differs from a full one; the command line of fault_registry.py sets these."""
    referrers = True      # the referrers API, and OCI-Subject in answers
    etags = True          # ETag of manifests, If-Match and If-None-Match
    ranges = True         # Range of blobs
    mount = True          # mounting works; else it begins an upload
    tag_delete = True     # a tag can be deleted
    page = 100            # entries of a page of tags or referrers at most
    chunk_min = 0         # OCI-Chunk-Min-Length; 0: none
    location = "relative"  # absolute, relative, query (it holds a query)
    manifest_max = 4 << 20


class Model:
    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.lock = threading.RLock()
        self.repositories = {}
        self.uploads = {}

    # --- what others ask of it

    def repository(self, name, make=False):
        with self.lock:
            if make:
                return self.repositories.setdefault(name, Repository())
            found = self.repositories.get(name)
            if found is None:
                raise Refusal(404, "NAME_UNKNOWN", "repository name not known to registry")
            return found

    def blob_path(self, digest):
        return os.path.join(self.folder, digest.replace(":", "-"))

    def load(self, name, layout):
        """An OCI layout's content as it lies there, however wrong it is."""
        repository = self.repository(name, make=True)
        with open(os.path.join(layout, "index.json")) as f:
            entries = json.load(f)["manifests"]
        for algorithm in os.listdir(os.path.join(layout, "blobs")):
            for hexa in os.listdir(os.path.join(layout, "blobs", algorithm)):
                with open(os.path.join(layout, "blobs", algorithm, hexa), "rb") as f:
                    self.plant(repository, algorithm + ":" + hexa, f.read())
        for entry in entries:
            data = next(iter(Part(self.blob_path(entry["digest"])).pieces()), b"")
            repository.manifests[entry["digest"]] = (data, entry["mediaType"])
            tag = entry.get("annotations", {}).get("org.opencontainers.image.ref.name")
            if tag:
                repository.tags[tag] = entry["digest"]

    def plant(self, repository, digest, data):
        """A blob, and a manifest too if it looks like one."""
        with open(self.blob_path(digest), "wb") as f:
            f.write(data)
        repository.blobs.add(digest)
        if data[:1] == b"{" and len(data) <= self.options.manifest_max:
            try:
                kind = json.loads(data).get("mediaType")
            except (ValueError, AttributeError, RecursionError):
                return
            if kind in TYPES:
                repository.manifests[digest] = (data, kind)

    # --- blobs

    def get_blob(self, request, name, digest):
        check_digest(digest)
        if digest not in self.repository(name).blobs:
            raise Refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")
        path = self.blob_path(digest)
        headers = [("Content-Type", "application/octet-stream"), ("Docker-Content-Digest", digest)]
        asked = request.header("Range") if self.options.ranges and request.method == "GET" else None
        if self.options.ranges:
            headers.append(("Accept-Ranges", "bytes"))
        if asked is None:
            return Answer(200, Part(path), headers)
        return ranged(path, asked, headers)

    def delete_blob(self, request, name, digest):
        repository = self.repository(name)
        if digest not in repository.blobs:
            raise Refusal(404, "BLOB_UNKNOWN", "blob unknown to registry")
        repository.blobs.discard(digest)
        return Answer(202)

    # --- uploads

    def location(self, request, upload):
        path = "/v2/%s/blobs/uploads/%s" % (upload.repository, upload.id)
        if self.options.location == "query":
            return path + "?_state=%d&a=b%%2Bc" % upload.size
        return request.base + path if self.options.location == "absolute" else path

    def session_headers(self, request, upload):
        return [("Location", self.location(request, upload)), ("Docker-Upload-UUID", upload.id),
                ("Range", "0-%d" % max(upload.size - 1, 0))]

    def start_upload(self, request, name):
        mount, source = request.query("mount"), request.query("from")
        with self.lock:
            repository = self.repository(name, make=True)
            if mount and self.options.mount and source in self.repositories \
                    and mount in self.repositories[source].blobs:
                repository.blobs.add(mount)
                return created("/v2/%s/blobs/%s" % (name, mount), mount)
            upload = Upload(self.folder, name)
            self.uploads[upload.id] = upload
        if request.query("digest"):
            upload.take(request.pieces())
            return self.finish(request, upload)
        headers = self.session_headers(request, upload)
        if self.options.chunk_min:
            headers.append(("OCI-Chunk-Min-Length", str(self.options.chunk_min)))
        return Answer(202, b"", headers)

    def upload(self, name, session):
        upload = self.uploads.get(session)
        if upload is None or upload.repository != name:
            raise Refusal(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        return upload

    def check_range(self, request, upload):
        said = re.fullmatch(r"(\d+)-(\d+)", request.header("Content-Range") or "")
        if request.header("Content-Range") and (not said or int(said.group(1)) != upload.size):
            raise Refusal(416, "BLOB_UPLOAD_INVALID", "the chunk does not begin where the last one ended",
                          self.session_headers(request, upload))
        length = int(request.header("Content-Length") or 0)
        if said and length and int(said.group(2)) - int(said.group(1)) + 1 != length:
            raise Refusal(400, "SIZE_INVALID", "Content-Range and Content-Length differ")

    def patch_upload(self, request, name, session):
        upload = self.upload(name, session)
        self.check_range(request, upload)
        if upload.is_short:
            raise Refusal(400, "SIZE_INVALID", "a chunk before this one was below OCI-Chunk-Min-Length")
        before = upload.size
        upload.take(request.pieces())
        upload.is_short = upload.size - before < self.options.chunk_min
        return Answer(202, b"", self.session_headers(request, upload))

    def put_upload(self, request, name, session):
        upload = self.upload(name, session)
        if request.has_body:
            self.check_range(request, upload)
            upload.take(request.pieces())
        return self.finish(request, upload)

    def finish(self, request, upload):
        digest = check_digest(request.query("digest") or "")
        found = upload.digest(digest.split(":")[0])
        if found != digest:
            raise Refusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        with self.lock:
            os.replace(upload.path, self.blob_path(digest))
            self.repository(upload.repository, make=True).blobs.add(digest)
            self.uploads.pop(upload.id, None)
        return created("/v2/%s/blobs/%s" % (upload.repository, digest), digest)

    def get_upload(self, request, name, session):
        return Answer(204, b"", self.session_headers(request, self.upload(name, session)))

    def delete_upload(self, request, name, session):
        os.unlink(self.upload(name, session).path)
        del self.uploads[session]
        return Answer(204)

    # --- manifests

    def resolve(self, name, reference):
        repository = self.repository(name)
        digest = reference if DIGEST.fullmatch(reference) else repository.tags.get(reference)
        if digest not in repository.manifests:
            raise Refusal(404, "MANIFEST_UNKNOWN", "manifest unknown")
        return repository, digest

    def get_manifest(self, request, name, reference):
        with self.lock:
            repository, digest = self.resolve(name, reference)
            data, kind = repository.manifests[digest]
        headers = [("Content-Type", kind), ("Docker-Content-Digest", digest)]
        if self.options.etags:
            headers.append(("ETag", '"%s"' % digest))
            if request.header("If-None-Match") == '"%s"' % digest:
                return Answer(304, b"", headers)
        return Answer(200, data, headers)

    def check_manifest(self, repository, data, kind):
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            raise Refusal(400, "MANIFEST_INVALID", "manifest invalid: not JSON")
        if kind not in TYPES or value.get("mediaType", kind) != kind:
            raise Refusal(400, "MANIFEST_INVALID", "manifest invalid: Content-Type and mediaType differ")
        needed = [value["config"]] if "config" in value else []
        needed += [layer for layer in value.get("layers", []) if "urls" not in layer]
        missing = [d["digest"] for d in needed if d["digest"] not in repository.blobs]
        missing += [d["digest"] for d in value.get("manifests", []) if d["digest"] not in repository.manifests]
        if missing:
            raise Refusal(404, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry: " + missing[0])
        return value

    def check_conditions(self, request, repository, reference):
        if not self.options.etags:
            return
        digest = repository.tags.get(reference, reference if reference in repository.manifests else None)
        match, none = request.header("If-Match"), request.header("If-None-Match")
        if (match and match not in ("*", '"%s"' % digest)) or (match and digest is None) \
                or (none == "*" and digest is not None):
            raise Refusal(412, "DENIED", "the manifest is not the one that was asked for")

    def put_manifest(self, request, name, reference):
        data = b"".join(request.pieces(self.options.manifest_max + 1))
        if len(data) > self.options.manifest_max:
            raise Refusal(413, "SIZE_INVALID", "the manifest is too large")
        kind = (request.header("Content-Type") or "").split(";")[0]
        digest = digest_of(data, reference.split(":")[0] if DIGEST.fullmatch(reference) else "sha256")
        with self.lock:
            repository = self.repository(name, make=True)
            value = self.check_manifest(repository, data, kind)
            self.check_conditions(request, repository, reference)
            if DIGEST.fullmatch(reference) and reference != digest:
                raise Refusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
            if not DIGEST.fullmatch(reference) and not TAG.fullmatch(reference):
                raise Refusal(400, "TAG_INVALID", "manifest tag did not match URI")
            repository.manifests[digest] = (data, kind)
            if reference != digest:
                repository.tags[reference] = digest
        answer = created("/v2/%s/manifests/%s" % (name, digest), digest)
        if self.options.referrers and "subject" in value:
            answer.set("OCI-Subject", value["subject"]["digest"])
        if self.options.etags:
            answer.set("ETag", '"%s"' % digest)
        return answer

    def delete_manifest(self, request, name, reference):
        with self.lock:
            repository, digest = self.resolve(name, reference)
            if reference != digest:
                if not self.options.tag_delete:
                    raise Refusal(405, "UNSUPPORTED", "the operation is unsupported")
                del repository.tags[reference]
                return Answer(202)
            del repository.manifests[digest]
            repository.tags = {t: d for t, d in repository.tags.items() if d != digest}
        return Answer(202)

    # --- lists

    def page(self, request, path, items, key=lambda item: item):
        """The page after query `last`, and the Link to the next one."""
        size = int(request.query("n") or self.options.page)
        size = min(size, self.options.page)
        last = request.query("last")
        left = [i for i in items if last is None or key(i) > last]
        if len(left) <= size or size == 0:
            return left[:size], []
        more = "&artifactType=" + request.query("artifactType") if request.query("artifactType") else ""
        target = "%s?n=%d&last=%s%s" % (path, size, key(left[size - 1]), more)
        return left[:size], [("Link", '<%s>; rel="next"' % target)]

    def list_tags(self, request, name):
        with self.lock:
            tags = sorted(self.repository(name).tags)
        tags, headers = self.page(request, "/v2/%s/tags/list" % name, tags)
        return Answer(200, json.dumps({"name": name, "tags": tags}).encode(),
                      [("Content-Type", "application/json"), *headers])

    def list_repositories(self, request):
        with self.lock:
            names = sorted(n for n, r in self.repositories.items() if r.manifests)
        names, headers = self.page(request, "/v2/_catalog", names)
        return Answer(200, json.dumps({"repositories": names}).encode(),
                      [("Content-Type", "application/json"), *headers])

    def list_referrers(self, request, name, digest):
        if not self.options.referrers:
            raise Refusal(404, "UNSUPPORTED", "page not found")
        check_digest(digest)
        wanted = request.query("artifactType")
        with self.lock:
            repository = self.repositories.get(name, Repository())
            found = [d for d in map(descriptor, repository.manifests.items()) if d[0] == digest]
        items = sorted((d[1] for d in found if not wanted or d[1].get("artifactType") == wanted),
                       key=lambda d: d["digest"])
        items, headers = self.page(request, "/v2/%s/referrers/%s" % (name, digest), items, lambda d: d["digest"])
        if wanted:
            headers.append(("OCI-Filters-Applied", "artifactType"))
        body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": items}).encode()
        return Answer(200, body, [("Content-Type", INDEX), *headers])


def check_digest(digest):
    if not DIGEST.fullmatch(digest):
        raise Refusal(400, "DIGEST_INVALID", "invalid checksum digest format")
    return digest


def created(location, digest):
    return Answer(201, b"", [("Location", location), ("Docker-Content-Digest", digest)])


def ranged(path, asked, headers):
    size = os.path.getsize(path)
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", asked)
    if not found or int(found.group(1)) >= size:
        raise Refusal(416, "UNSUPPORTED", "the range is not in the blob", [("Content-Range", "bytes */%d" % size)])
    start = int(found.group(1))
    end = min(int(found.group(2) or size - 1), size - 1)
    headers.append(("Content-Range", "bytes %d-%d/%d" % (start, end, size)))
    return Answer(206, Part(path, start, end - start + 1), headers)


def descriptor(entry):
    """(subject's digest, the descriptor that the referrers API shows) of a manifest."""
    digest, (data, kind) = entry
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None, {}
    shown = {"mediaType": kind, "digest": digest, "size": len(data)}
    artifact = value.get("artifactType") or value.get("config", {}).get("mediaType")
    if artifact:
        shown["artifactType"] = artifact
    if value.get("annotations"):
        shown["annotations"] = value["annotations"]
    return value.get("subject", {}).get("digest"), shown
