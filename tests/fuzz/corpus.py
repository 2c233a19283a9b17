#!/usr/bin/env python3
"""The inputs that the fuzz targets start from, and that every build replays as a test.

  corpus.py DIR        write DIR/<target>/<number> for each row below

An input that a fuzzer found goes into the rows of its target, with a word on what it did.
"""
import gzip
import hashlib
import io
import os
import sys
import tarfile

DIGEST = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONTENT = "application/vnd.io.flipt.cup.controller.content.v1.tar+gzip"

REFERENCES = [
    "localhost:5000/a/b:v1", "docker.io/flipt", "index.docker.io/library/x@" + DIGEST, "oci://[::1]:5000/a:t",
    "flipt:v1", "oci-layout:/tmp/x:v1", "oci-layout:dir@" + DIGEST, "host.example/a__b/c.d-e:_T@" + DIGEST,
    "repo:~1.2", "repo:^1.2.3-rc.1", "repo:>=1 <2", "127.0.0.1/a", "[fe80::1%25eth0]/a", "A/B", "a//b", "a:b:c", "",
    "oci-layout",  # with its tag it read as the name of a directory
    "oci-layoUt:55000/1",  # the same for a host, once in lower case
    b"do" + b"\x90" * 60 + b"cker.io",  # wrote behind the room that oci_show has
]

SEMVERS = [
    "%s\n1.2.3\nv1.2.3\n1.2.3_b\n1.2.3-rc.1\n1.2.3-rc.10\n2.0.0\nlatest\n1.2" % r
    for r in ("~1.2", "^1.2.3-rc.1", "1.x", ">=1.2 <2 || ~3.0, !=3.0.1", "*", "<=9007199254740992.0.0", "||", "~")
]

CHALLENGES = [
    'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"',
    'Basic realm="x, y"', 'Basic realm="a\\"b", Bearer realm=c', 'Negotiate, Basic realm=""',
    'Bearer realm="x",error="invalid_token",\nBasic realm="two lines"', "Digest abc==", ",,, Basic", 'Bearer realm="',
]


def descriptor(media_type, digest=DIGEST, size=2, more=""):
    return '{"mediaType":"%s","digest":"%s","size":%s%s}' % (media_type, digest, size, more)


def manifest(layers, annotations='"io.flipt.cup.controller.name":"x"', artifact=True, config="application/vnd.oci.empty.v1+json"):
    return '{"schemaVersion":2,"mediaType":"%s",%s"config":%s,"layers":[%s],"annotations":{%s}}' % (
        MANIFEST, '"artifactType":"application/vnd.io.flipt.cup.controller+type",' if artifact else "",
        descriptor(config), ",".join(layers), annotations)


DEFINITION = ('{"apiVersion":"cup.flipt.io/v1alpha1","kind":"ResourceDefinition","metadata":{"name":"a.b.c"},'
              '"names":{"kind":"A","plural":"as"},"spec":{"group":"b.c","versions":{"v1":true}}}')


def resource():
    data = DEFINITION.encode()
    return descriptor("application/vnd.io.flipt.cup.resource.v1+json",
                      "sha256:" + hashlib.sha256(data).hexdigest(), len(data),
                      ',"annotations":{"org.opencontainers.image.title":"as.b.c.json"}')


WASM_NOTES = ',"annotations":{"io.flipt.cup.wasm.digest":"%s","io.flipt.cup.wasm.size":"100"}' % DIGEST
MANIFESTS = [
    manifest([descriptor(CONTENT, more=WASM_NOTES), resource()]),
    manifest([descriptor(CONTENT), resource(), descriptor("text/plain")],
             '"io.flipt.cup.controller.name":"x","io.flipt.cup.controller.abi":"wasi-cli/v1",'
             '"io.flipt.cup.controller.verbs":"get,list","io.flipt.cup.controller.paths":'
             '"{\\"read\\":[\\"a/**\\"],\\"write\\":[\\"{b,c}/*\\"]}"'),
    manifest([descriptor(CONTENT), descriptor(CONTENT), resource()]),
    manifest([descriptor(CONTENT)]), manifest([resource()]), manifest([]),
    manifest([descriptor("application/wasm")], artifact=False, config="application/vnd.wasm.config.v0+json"),
    manifest([descriptor("application/vnd.wasm.content.layer.v1+wasm")], artifact=False,
             config="application/vnd.wasm.config.v1+json"),
    manifest([descriptor(CONTENT, size="1e3"), resource()]), manifest([descriptor(CONTENT, size=-1)]),
    '{"schemaVersion":2,"manifests":[%s]}' % descriptor(MANIFEST),
    '{"schemaVersion":2,"manifests":[],"layers":[]}', '{"schemaVersion":1,"fsLayers":[]}', "[]", "{}", "",
]


def index(*entries):
    return '{"schemaVersion":2,"mediaType":"%s","manifests":[%s]}' % (INDEX, ",".join(entries))


def named(name, media_type=MANIFEST):
    return descriptor(media_type, more=',"annotations":{"org.opencontainers.image.ref.name":"%s"}' % name)


INDEXES = [
    index(), index(named("v1")), index(named("latest"), named("v2"), descriptor(INDEX)),
    index(descriptor(MANIFEST, more=',"platform":{"architecture":"wasm","os":"wasip1"},"artifactType":"a/b"')),
    index(descriptor(MANIFEST, digest="sha256:x"), named("v1")), index("7", named("v1")), "[]", "{}", '{"manifests":{}}',
    '{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"v1"}}],"x":1e400}', "",
]

CONFIGS = [
    '{"auths":{"registry.example:5000":{"auth":"cm9ib3Q6aHVudGVyMg=="}}}',
    '{"auths":{"https://index.docker.io/v1/":{"username":"robot","password":"hunter2"}},"HttpHeaders":{"a":"b"}}',
    '{"auths":{"registry.example:5000":{"identitytoken":"hunter2"},"https://registry.example:5000/v2/":{}}}',
    '{"auths":{"registry.example:5000":{"registrytoken":"hunter2","auth":""}}}',
    '{"auths":{"registry.example:5000":{"auth":"hunter2","password":"hunter2\\n"}}}',
    '{"auths":{"registry.example:5000":{"username":"a\\u0000b","password":"hunter2"}}}',
    '{"credsStore":"none","credHelpers":{"docker.io":"../x"}}', '{"credHelpers":{"registry.example:5000":""}}',
    '{"auths":{"registry.example:5000/team":{"auth":"cm9ib3Q6aHVudGVyMg=="},"registry.example:5000":{"auth":"cjpo"}}}',
    '{"auths":[]}', '{"auths":{"registry.example:5000":7}}', "[]", "", "hunter2",
]


# --- modules: a first byte for the target, then sections of id and body

EXPORTS = (7, b"\2\6memory\2\0\6_start\0\1")
MEMORY = (5, b"\1\0\1")


def imports(*names, module=b"wasi_snapshot_preview1", kind=b"\0\0"):
    return 2, bytes([len(names)]) + b"".join(
        bytes([len(module)]) + module + bytes([len(n)]) + n + kind for n in names)


def module(*sections, head=b"\0asm\1\0\0\0"):
    return head + b"".join(bytes([i, len(body)]) + body for i, body in sections)


COMMAND = module((1, b"\1\x60\0\0"), imports(b"proc_exit", b"fd_write"), (3, b"\1\0"), MEMORY, EXPORTS,
                 (10, b"\1\2\0\x0b"), (0, b"\4name"))
MODULES = [b"\7" + m for m in [
    COMMAND, module(EXPORTS), module(MEMORY), module(imports(b"nope"), EXPORTS), module(EXPORTS, EXPORTS),
    module(imports(b"memory", module=b"env", kind=b"\2\3\1\2"), EXPORTS), module((5, b"\1\3\1\2"), EXPORTS),
    module((5, b"\1\4\1"), EXPORTS), module((31, b""), EXPORTS), module((4, b"\1\x70\0\1"), (6, b"\0"), EXPORTS),
    module(head=b"\0asm\x0d\0\1\0"), b"text", b"\0asm\1\0\0\0\7\xff\xff\xff\xff\x7f", b"",
]]


# --- archives

def archive(*entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data, kind in entries:
            info = tarfile.TarInfo(name)
            info.type, info.size = kind, len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


FILE, LINK = tarfile.REGTYPE, tarfile.SYMTYPE
GOOD = archive(("controller.wasm", COMMAND, FILE))
SQUEEZED = gzip.compress(GOOD, mtime=0)
ARCHIVES = [b"\0" + layer for layer in [
    SQUEEZED, SQUEEZED[:-3], SQUEEZED + b"x", SQUEEZED + SQUEEZED, b"\x1f\x8b", GOOD[:512], b"",
]] + [b"\x3f" + tar for tar in [
    GOOD, GOOD[:-1024], GOOD[:700], GOOD + b"x", archive(("../x", b"", FILE)), archive(("controller.wasm", b"", LINK)),
    archive(("controller.wasm", COMMAND, FILE), ("other", b"x", FILE)), archive(), b"",
]]


def text(rows):
    return [row if isinstance(row, bytes) else row.encode() for row in rows]


TARGETS = {
    "reference": text(REFERENCES),
    "semver": text(SEMVERS),
    "challenge": text(CHALLENGES),
    "manifest": text(MANIFESTS),
    "index": text(INDEXES),
    "credentials": text(CONFIGS),
    "login": text(CONFIGS + [
        '{"a": 1.0, "auths": {"x": {"auth": "dTpw"}, "registry.example:5000": {"email": "e"}, "x": {}}}', '{"auths": null} x',
        '{"auths": {"https://registry.example:5000/v1/": {}, "registry.example:5000": 1, "a\\u0000b": {"k": 2}}}', "", "{}",
        '{"auths":{"registry.example:5000":{"auth":"","auth":"x","\\u0061uth":"y"}},"auths":{}}',
    ]),
    "wasm": MODULES,
    "archive": ARCHIVES,
}


def main(folder):
    for target, rows in TARGETS.items():
        os.makedirs(os.path.join(folder, target), exist_ok=True)
        for number, data in enumerate(rows):
            with open(os.path.join(folder, target, "%02d" % number), "wb") as file:
                file.write(data)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
