#!/usr/bin/env python3
"""The inputs that the fuzz targets start from, and that every build replays as a test.

  corpus.py DIR        write DIR/<target>/<number> for each row below

An input that a fuzzer found goes into the rows of its target, with a word on what it did.
"""
import hashlib
import os
import sys

DIGEST = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONTENT = "application/vnd.io.flipt.cup.controller.content.v1.tar+gzip"

REFERENCES = [
    "localhost:5000/a/b:v1", "docker.io/flipt", "index.docker.io/library/x@" + DIGEST, "oci://[::1]:5000/a:t",
    "flipt:v1", "oci-layout:/tmp/x:v1", "oci-layout:dir@" + DIGEST, "host.example/a__b/c.d-e:_T@" + DIGEST,
    "repo:~1.2", "repo:^1.2.3-rc.1", "repo:>=1 <2", "127.0.0.1/a", "[fe80::1%25eth0]/a", "A/B", "a//b", "a:b:c", "",
    "oci-layout",  # with its tag it read as the name of a directory
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


def text(rows):
    return [row if isinstance(row, bytes) else row.encode() for row in rows]


TARGETS = {
    "reference": text(REFERENCES),
    "semver": text(SEMVERS),
    "challenge": text(CHALLENGES),
    "manifest": text(MANIFESTS),
    "index": text(INDEXES),
    "credentials": text(CONFIGS),
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
