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
import zlib

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


CASES = archive(("a/call", b"get A b c", FILE), ("a/tree/x/y", b"x" * 600, FILE), ("d", b"", tarfile.DIRTYPE))
TESTS_LAYERS = [b"\0" + layer for layer in [
    gzip.compress(CASES, mtime=0), gzip.compress(CASES, mtime=0)[:-3], gzip.compress(CASES, mtime=0) + b"x", b"\x1f\x8b", CASES, b"",
]] + [b"\x3f" + tar for tar in [
    CASES, CASES[:-1024], CASES[:700], CASES + b"x", archive(), b"", archive(("../x", b"", FILE)), archive(("/x", b"x", FILE)),
    archive(("a//b", b"x", FILE)), archive(("./a", b"x", FILE)), archive(("a", b"", LINK)), archive(("a" * 99 + "/" + "b" * 90, b"x", FILE)),
]]


# --- host calls: tests/fuzz/wasi.c says what the bytes mean ---

HOST_CALLS = sorted("""
    args_get args_sizes_get environ_get environ_sizes_get proc_exit proc_raise sched_yield
    clock_res_get clock_time_get random_get poll_oneoff sock_accept sock_recv sock_send sock_shutdown
    fd_advise fd_allocate fd_close fd_datasync fd_fdstat_get fd_fdstat_set_flags fd_fdstat_set_rights
    fd_filestat_get fd_filestat_set_size fd_filestat_set_times fd_pread fd_prestat_dir_name fd_prestat_get
    fd_pwrite fd_read fd_readdir fd_renumber fd_seek fd_sync fd_tell fd_write path_create_directory
    path_filestat_get path_filestat_set_times path_link path_open path_readlink path_remove_directory
    path_rename path_symlink path_unlink_file""".split())
PATHS = ("a dir dir/b dir/sub dir/sub/c lnk up loop out new new/x dir/new a/ dir/ lnk/ .. ../a . - / /a dir/../a up/dir "
         "dir/.//sub/.. to-dir to-dir/b to-dir/ to-dir/../a - dir/to-a new/new gone").split()
OUT, IOVEC, ALL = b"\x60", b"\x83", b"\xc0" + (2**30 - 1).to_bytes(8, "big")


def host_call(name, *args):
    return bytes([HOST_CALLS.index(name)]) + b"".join(bytes([a]) if isinstance(a, int) else a for a in args)


def path(name):
    at = PATHS.index(name)
    return bytes([0x20 | at, 0x40 | at])


def opened(name, flags, fdflags=0):
    return host_call("path_open", 3, 1, path(name), flags, ALL, ALL, fdflags, OUT)


def host_calls():
    """One that may write and one that may not of each sequence, and all of them in one."""
    two = lambda name, a, b: host_call(name, 3, path(a), 3, path(b))
    link = lambda a, b: host_call("path_link", 3, 0, path(a), 3, path(b))
    stat = lambda name: host_call("path_filestat_get", 3, 0, path(name), OUT)
    write = host_call("fd_write", 4, IOVEC, 5, OUT)
    sequences = [
        opened("new", 1) + write + host_call("fd_pwrite", 4, IOVEC, 3, 9, OUT) + host_call("fd_seek", 4, 0, 2, OUT)
        + host_call("fd_tell", 4, OUT) + host_call("fd_pread", 4, IOVEC, 4, 2, OUT) + host_call("fd_allocate", 4, 5, b"\xbf")
        + host_call("fd_filestat_set_size", 4, 3) + host_call("fd_datasync", 4) + host_call("fd_sync", 4)
        + host_call("fd_filestat_get", 4, OUT) + host_call("fd_advise", 4, 0, 9, 2) + host_call("fd_close", 4),
        opened("a", 0) + link("a", "new") + write + two("path_rename", "a", "dir/new") + stat("new") + write
        + host_call("path_unlink_file", 3, path("new")) + write + host_call("path_unlink_file", 3, path("dir/new")) + write,
        opened("dir", 2) + two("path_rename", "dir", "gone") + host_call("fd_readdir", 4, OUT, b"\xa3", 0, OUT)
        + host_call("fd_readdir", 4, OUT, 25, 2, OUT) + host_call("path_create_directory", 4, path("new")) + stat("gone"),
        host_call("path_symlink", path("dir/../a"), 3, path("gone")) + opened("gone", 0) + stat("gone") + opened("to-dir/b", 0)
        + host_call("path_readlink", 3, path("gone"), OUT, 9, OUT) + two("path_rename", "gone", "lnk") + link("lnk", "new"),
        opened("dir/b", 8) + host_call("fd_renumber", 4, 0) + host_call("fd_read", 0, IOVEC, 3, OUT)
        + host_call("fd_renumber", 3, 2) + host_call("fd_prestat_get", 2, OUT) + host_call("fd_prestat_dir_name", 2, OUT, 1),
        host_call("path_create_directory", 3, path("new")) + opened("new", 2) + opened("new/x", 5, 1) + write
        + host_call("path_remove_directory", 3, path("new")) + host_call("path_unlink_file", 3, path("new/x"))
        + host_call("path_remove_directory", 3, path("new")) + host_call("path_filestat_set_times", 3, 0, path("a"), 1, 2, 5),
        host_call("poll_oneoff", OUT, OUT, 3, b"\x7f") + host_call("random_get", OUT, b"\xbf") + host_call("args_get", OUT, b"\x61")
        + host_call("clock_time_get", 1, 0, OUT) + host_call("sock_accept", 3, 0, OUT) + host_call("proc_raise", 9)
        + host_call("fd_fdstat_set_rights", 3, ALL, ALL) + host_call("fd_fdstat_get", 3, OUT) + host_call("proc_exit", 3),
    ]
    return [bytes([how]) + s for s in sequences for how in (0, 1, 2)] + [b"\0" + b"".join(sequences)]


def pack(*entries, count=None):
    """A Git pack of (type, size, what stands before the data, data); size None: the data's."""
    body = b"PACK" + (2).to_bytes(4, "big") + (len(entries) if count is None else count).to_bytes(4, "big")
    for kind, size, before, data in entries:
        size = len(data) if size is None else size
        byte, size = kind << 4 | size & 15, size >> 4
        while size:
            body += bytes([byte | 128])
            byte, size = size & 127, size >> 7
        body += bytes([byte]) + before + zlib.compress(data)
    return body + hashlib.sha1(body).digest()


PACKS = [
    pack(), pack((3, None, b"", b"hello\n"), (6, None, b"\x0f", b"\x06\x06\x90\x06")),
    pack((1, None, b"", b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"), (4, None, b"", b"object"), (2, None, b"", b"")),
    pack((7, None, bytes(20), b"\x06\xff\xff\xff\x7f\x90\x06")), pack((2, None, b"", bytes(70000))), pack(count=2**32 - 1),
    pack((3, 3, b"", b"hello")), pack((3, 9, b"", b"hello")), pack((5, None, b"", b"x")), pack((3, None, b"", bytes(200000))),
    pack((6, None, b"\xff" * 10, b"\x06\x06\x90\x06")), pack((3, None, b"", b"hello"))[:-1], pack() + b"x",
]


def pkts(*lines):
    """pkt-lines; None is a flush."""
    return b"".join(b"0000" if line is None else b"%04x" % (len(line) + 4) + line for line in lines)


SOME_ID = b"0123456789012345678901234567890123456789 "
ADVERTS = [how + text for how in (b"\0", b"\1") for text in (
    pkts(b"# service=git-upload-pack\n", None, b"version 2\n", b"agent=git/2.39\n", b"ls-refs=unborn\n", b"fetch=shallow\n",
         b"object-format=sha1\n", None),
    pkts(SOME_ID + b"HEAD\0multi_ack side-band-64k agent=git/2\n", SOME_ID + b"refs/heads/main\n", SOME_ID + b"refs/tags/v1\n",
         SOME_ID + b"refs/tags/v1^{}\n", None),
    pkts(b"version 1\n", SOME_ID + b"refs/heads/a..b\0x\n", SOME_ID + b"../../x\n", None),
    pkts(b"# service=git-receive-pack\n", None, b"0" * 40 + b" capabilities^{}\0report-status atomic\n", None),
    pkts(b"ERR no \x1b[31m such\r\n", None), b"0004", b"0003", b"fff1x", b"00000001", b"000", b"zzzz", b"0006\n\n0000" + b"0005x",
)]


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
    "wasi": host_calls(),
    "wasm": MODULES,
    "archive": ARCHIVES,
    "tests_layer": TESTS_LAYERS,
    "pack": PACKS,
    "advert": ADVERTS,
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
