#!/usr/bin/env python3
"""Hostile images, each as an OCI image layout of its own: it must be refused, or (exit code 0) do no harm.
Registries that lie about good images are scripts of fault_registry.py.

  hostile_images.py make DIR WASM DEFINITION [CASE]   write DIR/<case>/ for each case (or that one) and
                                                      DIR/cases.tsv: case, exit code, words of the error
"""
import gzip
import hashlib
import io
import json
import os
import struct
import sys
import tarfile
import zlib

CONTENT = "application/vnd.io.flipt.cup.controller.content.v1.tar+gzip"
RESOURCE = "application/vnd.io.flipt.cup.resource.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
INDEX = "application/vnd.oci.image.index.v1+json"
ARTIFACT = "application/vnd.io.flipt.cup.controller+type"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar(*entries):
    """Entries of name, data, and type (default: a file); of a link the data is where it goes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as t:
        for name, data, *kind in entries:
            info = tarfile.TarInfo(name)
            info.type = kind[0] if kind else tarfile.REGTYPE
            info.size = len(data) if info.type == tarfile.REGTYPE else 0
            info.linkname = data.decode() if info.type in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            t.addfile(info, io.BytesIO(data) if info.size else None)
    return out.getvalue()


def archive(*entries):
    return gzip.compress(tar(*entries), mtime=0)


def header(name, size):
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT)


def bomb(start, zeros):
    """gzip of some bytes and very many zeros: one compressed MiB of them, repeated."""
    mib = bytes(1 << 20)
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = c.compress(start) + c.flush(zlib.Z_FULL_FLUSH)
    block = c.compress(mib) + c.flush(zlib.Z_FULL_FLUSH)
    crc, count = zlib.crc32(start), zeros >> 20
    for _ in range(count):
        crc = zlib.crc32(mib, crc)
    trailer = struct.pack("<II", crc, len(start) + (count << 20))
    return b"\x1f\x8b\x08\0\0\0\0\0\2\xff" + head + block * count + c.flush() + trailer


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

    def finish(self, manifest, media_type=MANIFEST, tag="v1"):
        data = manifest if isinstance(manifest, bytes) else json.dumps(manifest, ensure_ascii=False).encode()
        entry = self.blob(data, media_type)
        entry["annotations"] = {"org.opencontainers.image.ref.name": tag}
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


def with_gzip(spoil):
    """A content layer that is `spoil` of the good archive's bytes, uncompressed and compressed."""
    def build(layout, wasm, definition):
        plain = tar(("controller.wasm", wasm))
        layers = [layout.blob(spoil(plain, gzip.compress(plain, mtime=0)), CONTENT), layout.blob(definition, RESOURCE)]
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


def with_index(make_index):
    """An index around the good image: make_index(layout, the entry of the image)."""
    def build(layout, wasm, definition):
        layers = [layout.blob(archive(("controller.wasm", wasm)), CONTENT), layout.blob(definition, RESOURCE)]
        entry = layout.blob(json.dumps(manifest(layout, layers)).encode(), MANIFEST)
        layout.finish(make_index(layout, {**entry, "artifactType": ARTIFACT}), INDEX)
    return build


def index_of(*entries):
    return {"schemaVersion": 2, "mediaType": INDEX, "artifactType": ARTIFACT, "manifests": list(entries)}


def deep_index(depth):
    def make_index(layout, entry):
        for _ in range(depth):
            entry = {**layout.blob(json.dumps(index_of(entry)).encode(), INDEX), "artifactType": ARTIFACT}
        return index_of(entry)
    return make_index


def own_index(layout, entry):
    """No document holds its own digest, so it lies: the blob of that name is the index itself."""
    name = digest(b"the index that holds itself")
    value = index_of({"mediaType": INDEX, "digest": name, "size": 400, "artifactType": ARTIFACT})
    with open(os.path.join(layout.path, "blobs", "sha256", name[7:]), "w") as f:
        json.dump(value, f)
    return value


def whole(value, media_type=MANIFEST):
    """A manifest that does not look at the good image at all."""
    def build(layout, wasm, definition):
        layout.finish(value, media_type)
    return build


def many_layers(n):
    one = b'{"mediaType":"x","digest":"sha256:%s","size":1}' % (b"0" * 64)
    return b'{"schemaVersion":2,"config":%s,"layers":[%s]}' % (one, b",".join([one] * n))


def with_title(title):
    """A good image whose titles and annotations are hostile."""
    def build(layout, wasm, definition):
        layers = [layout.blob(archive(("controller.wasm", wasm)), CONTENT), layout.blob(definition, RESOURCE)]
        for layer in layers:
            layer["annotations"] = {"org.opencontainers.image.title": title}
        m = manifest(layout, layers)
        m["annotations"]["org.opencontainers.image.version"] = title
        if len(title) < 1000:  # a manifest is 4 MiB at most
            m["annotations"].update({title: title, "io.flipt.cup.controller.kinds": title})
        layout.finish(m)
    return build


def with_name(name):
    def build(layout, wasm, definition):
        layers = [layout.blob(archive(("controller.wasm", wasm)), CONTENT), layout.blob(definition, RESOURCE)]
        m = manifest(layout, layers)
        m["annotations"]["io.flipt.cup.controller.name"] = name
        layout.finish(m)
    return build


def with_definition(change):
    def build(layout, wasm, definition):
        value = json.loads(definition)
        change(value)
        layers = [layout.blob(archive(("controller.wasm", wasm)), CONTENT),
                  layout.blob(json.dumps(value).encode(), RESOURCE)]
        layout.finish(manifest(layout, layers))
    return build


def of_names(**names):
    return with_definition(lambda v: v["names"].update(names))


def of_version(version):
    def change(value):
        versions = value["spec"]["versions"]
        versions[version] = versions.popitem()[1]
    return with_definition(change)


COMPONENT = b"\0asm\x0d\0\1\0"
LINK, HARD, DIRECTORY, DEVICE = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE
CASES = [  # name, builder, exit code, words in the error
    ("t_adv_01_tar_up", with_archive(("../x", None)), 6, "../x"),
    ("t_adv_01_tar_absolute", with_archive(("/x", None)), 6, "/x"),
    ("t_adv_01_tar_up_later", with_archive(("a/../../x", None)), 6, "a/../../x"),
    ("t_adv_01_tar_disguised", with_archive(("a/./..//../x", None)), 6, "a/./..//../x"),
    ("t_adv_01_tar_second_entry", with_archive(("controller.wasm", None), ("../x", b"x")), 6, "../x"),
    ("t_adv_02_link", with_archive(("controller.wasm", b"../outside", LINK)), 6, "link"),
    ("t_adv_02_hard_link", with_archive(("controller.wasm", b"../outside", HARD)), 6, "link"),
    ("t_adv_02_file_through_a_link", with_archive(("l", b"..", LINK), ("l/x", b"x")), 6, "link"),
    ("t_adv_02_chain_of_links", with_archive(("d", b"", DIRECTORY), ("d/up", b"..", LINK), ("d/up/esc", b"..", LINK),
                                             ("d/up/esc/x", b"x")), 6, "d"),
    ("t_adv_02_link_after_the_module", with_archive(("controller.wasm", None), ("x", b"/tmp", LINK)), 6, "link"),
    ("t_adv_02_device", with_archive(("controller.wasm", b"", DEVICE)), 6, "controller.wasm"),
    ("t_adv_03_bomb_in_the_module", with_gzip(lambda t, z: bomb(header("controller.wasm", 257 << 20), 257 << 20)), 1, "256 MiB"),
    ("t_adv_03_bomb_after_the_module", with_gzip(lambda t, z: bomb(t, 257 << 20)), 1, "256 MiB"),
    ("t_adv_03_bomb_within_the_limit", with_gzip(lambda t, z: bomb(header("controller.wasm", 250 << 20), 251 << 20)), 6,
     "WebAssembly"),
    ("t_adv_03_two_members", with_gzip(lambda t, z: z + z), 6, "after the end"),
    ("t_adv_03_module_over_two_members", with_gzip(lambda t, z: gzip.compress(t[:700]) + gzip.compress(t[700:])), 6,
     "after the end"),
    ("t_adv_03_trailing_garbage", with_gzip(lambda t, z: z + b"garbage"), 6, "after the end"),
    ("t_adv_03_trailing_zeros", with_gzip(lambda t, z: z + bytes(512)), 6, "after the end"),
    ("t_adv_03_truncated_trailer", with_gzip(lambda t, z: z[:-3]), 6, "cut"),
    ("t_adv_03_no_trailer", with_gzip(lambda t, z: z[:-8]), 6, "cut"),
    ("t_adv_03_bad_crc", with_gzip(lambda t, z: z[:-8] + bytes([z[-8] ^ 1]) + z[-7:]), 6, "gzip"),
    ("t_adv_03_bad_length", with_gzip(lambda t, z: z[:-4] + struct.pack("<I", len(t) + 1)), 6, "gzip"),
    ("t_adv_03_not_gzip", with_gzip(lambda t, z: t), 6, "gzip"),
    ("t_adv_03_archive_without_its_end", with_gzip(lambda t, z: gzip.compress(t[:-10240])), 6, "archive"),
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
    ("t_adv_06_other_media_type_than_the_index_says", with_index(lambda l, e: index_of({**e, "mediaType": DOCKER})), 6,
     "ambiguous"),
    ("t_adv_06_index_called_a_manifest", with_index(lambda l, e: index_of(
        {**l.blob(json.dumps(index_of(e)).encode(), MANIFEST), "artifactType": ARTIFACT})), 6, "ambiguous"),
    ("t_adv_06_schema_1", whole({"schemaVersion": 1, "name": "x", "tag": "v1", "fsLayers": [{"blobSum": digest(b"")}],
                                 "history": [{"v1Compatibility": "{}"}]},
                                "application/vnd.docker.distribution.manifest.v1+prettyjws"), 6, "schemaVersion"),
    ("t_adv_06_schema_1_disguised", whole({"schemaVersion": 2, "layers": [], "fsLayers": [], "history": []}), 6, "ambiguous"),
    ("t_adv_06_index_in_an_index", with_index(deep_index(1)), 6, "index nesting"),
    ("t_adv_06_index_10000_deep", with_index(deep_index(10000)), 6, "index nesting"),
    ("t_adv_06_index_of_itself", with_index(own_index), 6, "index nesting"),
    ("t_adv_06_two_controllers_in_an_index", with_index(lambda l, e: index_of(e, e)), 6, "index"),
    ("t_adv_06_nested_lists", whole(b"[" * 100000), 1, "nested deeper"),
    ("t_adv_06_nested_annotations", whole(b'{"annotations":' * 100000), 1, "nested deeper"),
    ("t_adv_07_100000_layers", whole(many_layers(100000)), 1, "4194304"),
    ("t_adv_07_30000_layers", whole(many_layers(30000)), 1, "layers are more than"),
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
    *[("t_adv_09_title_" + what, with_title(title), 0, "") for what, title in (
        ("up", "../x"), ("absolute", "/x"), ("dot", "."), ("dots", ".."), ("escape", "\x1b[2J\x1b]0;x\a"),
        ("control", "a\x7fb\u009b2Jc\u2028\u202e"), ("line_ends", "a\r\nb: c\n"), ("1_MiB", "x" * (1 << 20)),
        ("none", ""))],
    ("t_adv_09_kind_with_line_end", of_names(kind="Flag\r\nX"), 6, "names.kind"),
    ("t_adv_09_kind_with_escape", of_names(kind="Flag\x1b[2J"), 6, "names.kind"),
    ("t_adv_09_kind_with_control", of_names(kind="Flag\x11\r"), 6, "names.kind"),
    ("t_adv_09_plural_up", of_names(plural="../../x"), 6, "names.plural"),
    ("t_adv_09_plural_1_MiB", of_names(plural="x" * (1 << 20)), 6, "names.plural"),
    ("t_adv_09_version_up", of_version("../../x"), 6, "version"),
    ("t_adv_09_version_dots", of_version(".."), 6, "version"),
    ("t_adv_09_version_with_escape", of_version("v1\x1b[2J"), 6, "version"),
    ("t_adv_09_version_1_MiB", of_version("v" * (1 << 20)), 6, "version"),
    ("t_adv_09_name_up", with_name("../../x"), 6, "controller name"),
    ("t_adv_09_name_with_escape", with_name("x\x1b[2J\r\ny"), 6, "controller name"),
    ("t_adv_08_two_wasm_files", with_archive(("controller.wasm", None), ("other.wasm", None)), 6, "other.wasm"),
]


def make(folder, wasm, definition, only):
    with open(os.path.join(folder, "cases.tsv"), "w") as table:
        for name, build, code, words in CASES:
            if only in ("", name):
                build(Layout(os.path.join(folder, name)), wasm, definition)
                table.write("%s\t%d\t%s\n" % (name, code, words))


if __name__ == "__main__":
    if sys.argv[1:2] != ["make"] or len(sys.argv) not in (5, 6):
        raise SystemExit(__doc__)
    with open(sys.argv[3], "rb") as module, open(sys.argv[4], "rb") as d:
        make(sys.argv[2], module.read(), d.read(), "".join(sys.argv[5:]))
