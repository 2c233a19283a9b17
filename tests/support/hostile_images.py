#!/usr/bin/env python3
"""Images that must be refused, each as an OCI image layout of its own, and a registry that lies.

  hostile_images.py make DIR WASM DEFINITION   write DIR/<case>/ for each case and DIR/cases.tsv:
                                               case, exit code, words that the error must hold
  hostile_images.py serve LAYOUT FAULT         serve a layout's images as a registry on a free loopback
                                               port (printed first), with one fault; FAULT "none": honest
  hostile_images.py --self-test
"""
import gzip
import hashlib
import http.server
import io
import json
import os
import re
import sys
import tarfile
import tempfile
import threading
import urllib.request

CONTENT = "application/vnd.io.flipt.cup.controller.content.v1.tar+gzip"
RESOURCE = "application/vnd.io.flipt.cup.resource.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ARTIFACT = "application/vnd.io.flipt.cup.controller+type"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def archive(*entries):
    """Entries of name, data, and type (default: a file)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data, *kind in entries:
            info = tarfile.TarInfo(name)
            info.type = kind[0] if kind else tarfile.REGTYPE
            info.size = len(data) if info.type == tarfile.REGTYPE else 0
            info.linkname = "../outside" if info.type in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            tar.addfile(info, io.BytesIO(data) if info.size else None)
    return gzip.compress(out.getvalue(), mtime=0)


class Layout:
    def __init__(self, path):
        self.path = path
        os.makedirs(os.path.join(path, "blobs", "sha256"))
        with open(os.path.join(path, "oci-layout"), "w") as f:
            f.write('{"imageLayoutVersion":"1.0.0"}')

    def blob(self, data, media_type, **lies):
        with open(os.path.join(self.path, "blobs", "sha256", digest(data)[7:]), "wb") as f:
            f.write(data)
        return {"mediaType": media_type, "digest": digest(data), "size": len(data), **lies}

    def finish(self, manifest, media_type=MANIFEST):
        data = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
        entry = self.blob(data, media_type)
        entry["annotations"] = {"org.opencontainers.image.ref.name": "v1"}
        with open(os.path.join(self.path, "index.json"), "w") as f:
            json.dump({"schemaVersion": 2, "manifests": [entry]}, f)


def manifest(layout, layers):
    config = layout.blob(b"{}", "application/vnd.oci.empty.v1+json")
    return {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": ARTIFACT, "config": config,
            "layers": layers,
            "annotations": {"io.flipt.cup.controller.name": "flipt"}}


def with_archive(*entries):
    def build(layout, wasm, definition):
        layers = [layout.blob(archive(*[(n, wasm if d is None else d, *k) for n, d, *k in entries]), CONTENT),
                  layout.blob(definition, RESOURCE)]
        layout.finish(manifest(layout, layers))
    return build


def with_lie(which, **lies):
    def build(layout, wasm, definition):
        layers = [layout.blob(archive(("controller.wasm", wasm)), CONTENT), layout.blob(definition, RESOURCE)]
        layers[which].update(lies)
        layout.finish(manifest(layout, layers))
    return build


def with_layers(make):
    def build(layout, wasm, definition):
        content = lambda data: layout.blob(archive(("controller.wasm", data)), CONTENT)
        layout.finish(manifest(layout, make(layout, content, wasm, definition)))
    return build


def flipped_layer(layout, wasm, definition):
    layers = [layout.blob(archive(("controller.wasm", wasm)), CONTENT), layout.blob(definition, RESOURCE)]
    layout.finish(manifest(layout, layers))
    path = os.path.join(layout.path, "blobs", "sha256", layers[0]["digest"][7:])
    data = bytearray(open(path, "rb").read())
    data[len(data) // 2] ^= 1
    open(path, "wb").write(bytes(data))


def ambiguous(layout, wasm, definition):
    layers = [layout.blob(archive(("controller.wasm", wasm)), CONTENT), layout.blob(definition, RESOURCE)]
    layout.finish({**manifest(layout, layers), "manifests": []})


COMPONENT = b"\0asm\x0d\0\1\0"
LINK, HARD, DIRECTORY, DEVICE = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE
CASES = [  # name, builder, exit code, words in the error
    ("t_adv_01_tar_up", with_archive(("../x", None)), 6, "../x"),
    ("t_adv_01_tar_absolute", with_archive(("/x", None)), 6, "/x"),
    ("t_adv_01_tar_up_later", with_archive(("a/../../x", None)), 6, "a/../../x"),
    ("t_adv_01_tar_disguised", with_archive(("a/./..//../x", None)), 6, "a/./..//../x"),
    ("t_adv_01_tar_second_entry", with_archive(("controller.wasm", None), ("../x", b"x")), 6, "../x"),
    ("t_adv_02_link", with_archive(("controller.wasm", b"", LINK)), 6, "link"),
    ("t_adv_02_hard_link", with_archive(("controller.wasm", b"", HARD)), 6, "link"),
    ("t_adv_02_device", with_archive(("controller.wasm", b"", DEVICE)), 6, "controller.wasm"),
    ("t_adv_04_size_smaller", with_lie(0, size=100), 7, "size"),
    ("t_adv_04_size_larger", with_lie(0, size=10 ** 7), 7, "size"),
    ("t_adv_04_size_zero", with_lie(0, size=0), 7, "size"),
    ("t_adv_04_size_negative", with_lie(0, size=-1), 6, "size"),
    ("t_adv_04_size_2_63", with_lie(0, size=2 ** 63), 6, "size"),
    ("t_adv_04_size_float", with_lie(0, size=1e3), 6, "size"),
    ("t_adv_04_size_text", with_lie(0, size="12"), 6, "size"),
    ("t_adv_04_definition_size", with_lie(1, size=3), 7, "size"),
    ("t_adv_05_flipped_bit", flipped_layer, 7, "digest"),
    ("t_adv_06_ambiguous", ambiguous, 6, "ambiguous"),
    ("t_adv_08_no_content", with_layers(lambda l, c, w, d: [l.blob(d, RESOURCE)]), 6, "content layer"),
    ("t_adv_08_two_contents", with_layers(lambda l, c, w, d: [c(w), c(w + b"\0\1\0"), l.blob(d, RESOURCE)]), 6,
     "content layer"),
    ("t_adv_08_component", with_layers(lambda l, c, w, d: [c(COMPONENT), l.blob(d, RESOURCE)]), 6, "component"),
    ("t_adv_08_text", with_layers(lambda l, c, w, d: [c(b"hello"), l.blob(d, RESOURCE)]), 6, "WebAssembly"),
    ("t_adv_08_wrong_magic", with_layers(lambda l, c, w, d: [c(b"\0ASM" + w[4:]), l.blob(d, RESOURCE)]), 6,
     "WebAssembly"),
    ("t_adv_08_bad_definition", with_layers(lambda l, c, w, d: [c(w), l.blob(b"{}", RESOURCE)]), 6, "apiVersion"),
    ("t_adv_08_bad_schema", with_layers(lambda l, c, w, d: [c(w), l.blob(
        json.dumps({**json.loads(d), "spec": {"group": "flipt.io", "versions": {"v1": {"type": 7}}}}).encode(),
        RESOURCE)]), 6, "schema"),
    ("t_adv_08_reserved_group", with_layers(lambda l, c, w, d: [c(w), l.blob(
        json.dumps({**json.loads(d), "spec": {"group": "cup.flipt.io", "versions": {"v1": {}}}}).encode(),
        RESOURCE)]), 6, "reserved"),
    ("t_adv_08_two_wasm_files", with_archive(("controller.wasm", None), ("other.wasm", None)), 6, "other.wasm"),
]


def make(folder, wasm, definition):
    with open(os.path.join(folder, "cases.tsv"), "w") as table:
        for name, build, code, words in CASES:
            build(Layout(os.path.join(folder, name)), wasm, definition)
            table.write("%s\t%d\t%s\n" % (name, code, words))


# --- the registry -----------------------------------------------------------------------------------

FAULTS = ("none", "flip-blob", "long-blob", "short-blob", "other-manifest", "other-type")


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, data, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def read(self, reference):
        path = os.path.join(self.server.layout, "blobs", "sha256", reference[7:])
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", reference) or not os.path.exists(path):
            return None
        return open(path, "rb").read()

    def manifest(self, reference):
        fault = self.server.fault
        index = json.load(open(os.path.join(self.server.layout, "index.json")))["manifests"][0]
        asked = index["digest"] if reference == "v1" else reference
        data = self.read(asked)
        if data is None:
            return self.answer(404, b"{}")
        if fault == "other-manifest":
            data = data.replace(b'"flipt"', b'"other"')
        self.answer(200, data, Docker_Content_Digest=asked,
                    Content_Type="application/vnd.oci.image.index.v1+json" if fault == "other-type" else index["mediaType"])

    def blob(self, reference):
        data, fault = self.read(reference), self.server.fault
        if data is None:
            return self.answer(404, b"{}")
        if fault == "flip-blob" and len(data) > 2:
            data = data[:-1] + bytes([data[-1] ^ 1])
        if fault == "long-blob":
            data += b"\0" * 1000
        if fault == "short-blob":
            data = data[:-1]
        self.answer(200, data, Docker_Content_Digest=reference, Content_Type="application/octet-stream")

    def do_GET(self):
        found = re.fullmatch(r"/v2/team/flipt/(manifests|blobs)/(.+)", self.path)
        if self.path == "/v2/":
            self.answer(200, b"{}")
        elif found is None:
            self.answer(404, b"{}")
        else:
            getattr(self, found.group(1)[:-1])(found.group(2))

    do_HEAD = do_GET


def server(layout, fault):
    if fault not in FAULTS:
        raise SystemExit("no fault '%s': there are %s" % (fault, ", ".join(FAULTS)))
    s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    s.layout, s.fault, s.daemon_threads = layout, fault, True
    return s


def self_test():
    """Honest without a fault, and each fault does what it says."""
    with tempfile.TemporaryDirectory() as folder:
        wasm, definition = b"\0asm\1\0\0\0", json.dumps({"spec": {}}).encode()
        make(folder, wasm, definition)
        layout = os.path.join(folder, "t_adv_04_size_zero")
        entry = json.load(open(os.path.join(layout, "index.json")))["manifests"][0]
        for fault in FAULTS:
            s = server(layout, fault)
            threading.Thread(target=s.serve_forever, daemon=True).start()
            base = "http://127.0.0.1:%d/v2/team/flipt/" % s.server_address[1]
            body = urllib.request.urlopen(base + "manifests/" + entry["digest"]).read()
            layer = json.loads(body)["layers"][1]
            data = urllib.request.urlopen(base + "blobs/" + layer["digest"]).read()
            assert (digest(body) == entry["digest"]) == (fault != "other-manifest"), fault
            assert (digest(data) == layer["digest"]) == (not fault.endswith("-blob")), fault
            s.shutdown()
        assert len(open(os.path.join(folder, "cases.tsv")).readlines()) == len(CASES)


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"] and len(sys.argv) == 5:
        make(sys.argv[2], open(sys.argv[3], "rb").read(), open(sys.argv[4], "rb").read())
    elif sys.argv[1:2] == ["serve"] and len(sys.argv) == 4:
        running = server(sys.argv[2], sys.argv[3])
        print("127.0.0.1:%d" % running.server_address[1], flush=True)
        running.serve_forever()
    elif sys.argv[1:] == ["--self-test"]:
        self_test()
    else:
        raise SystemExit(__doc__)
