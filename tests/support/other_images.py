#!/usr/bin/env python3
"""Images as other WASM tools push them, each made by hand as an OCI image layout of its own.

  other_images.py make DIR WASM     write DIR/<case>/ for each case and DIR/cases.tsv: case, exit code of
                                    pull, and the layout's name or words that the error must hold
"""
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
CNCF, KWCTL = "application/vnd.wasm.config.v0+json", "application/vnd.wasm.config.v1+json"
WASM, KWCTL_WASM = "application/wasm", "application/vnd.wasm.content.layer.v1+wasm"
ISTIO_WASM = "application/vnd.module.wasm.content.layer.v1+wasm"
ISTIO_CONFIG = "application/vnd.module.wasm.config.v1+json"
OCI_CONFIG, OCI_LAYER = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
COMPONENT = b"\0asm\x0d\0\1\0"
DIRECTORY, LINK, PAX = tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.XHDTYPE


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def archive(*entries):
    """Entries of name, data and type (default: a file), as a container image's layer."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data, *kind in entries:
            info = tarfile.TarInfo(name)
            info.type, info.size = (kind[0] if kind else tarfile.REGTYPE), len(data)
            info.linkname = "../x" if info.type == LINK else ""
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue(), mtime=0)


class Layout:
    def __init__(self, path):
        self.path = path
        os.makedirs(os.path.join(path, "blobs", "sha256"))
        with open(os.path.join(path, "oci-layout"), "w") as f:
            f.write('{"imageLayoutVersion":"1.0.0"}')

    def blob(self, data, media_type):
        with open(os.path.join(self.path, "blobs", "sha256", digest(data)[7:]), "wb") as f:
            f.write(data)
        return {"mediaType": media_type, "digest": digest(data), "size": len(data)}

    def image(self, config, layers, media_type=MANIFEST, **more):
        """config: its media type and value; layers: media type and bytes."""
        manifest = {"schemaVersion": 2, "mediaType": media_type,
                    "config": self.blob(json.dumps(config[1]).encode(), config[0]),
                    "layers": [self.blob(data, kind) for kind, data in layers], **more}
        entry = self.blob(json.dumps(manifest).encode(), media_type)
        entry["annotations"] = {"org.opencontainers.image.ref.name": "v1"}
        with open(os.path.join(self.path, "index.json"), "w") as f:
            json.dump({"schemaVersion": 2, "manifests": [entry]}, f)


def cncf_config(wasm, os_name="wasip1"):
    return CNCF, {"created": "2024-09-25T12:00:00Z", "architecture": "wasm", "os": os_name, "layerDigests": [digest(wasm)]}


def cases(wasm):
    container = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}
    plugin = archive(("plugin.wasm", wasm))
    yield "cncf", 0, "cncf", cncf_config(wasm), [(WASM, wasm)], {}
    yield "kwctl", 0, "kwctl", (KWCTL, {}), [(KWCTL_WASM, wasm)], {"annotations": {"org.kubewarden.x": "y"}}
    yield "oras", 0, "wasm", ("application/vnd.oci.empty.v1+json", {}), [(WASM, wasm)], {}
    yield "istio", 0, "istio", (OCI_CONFIG, {}), [(ISTIO_CONFIG, b"{}"), (ISTIO_WASM, wasm)], {}
    yield "istio-compat", 0, "istio-compat", (OCI_CONFIG, container), [(OCI_LAYER, plugin)], {}
    yield "istio-docker", 0, "istio-compat", (DOCKER_CONFIG, container), [(DOCKER_LAYER, archive(
        ("./", b"", DIRECTORY), ("./runtime-config.json", b"{}"), ("./plugin.wasm", wasm)))], {"media_type": DOCKER}
    yield "istio-pax", 0, "istio-compat", (OCI_CONFIG, container), [(OCI_LAYER, archive(
        ("PaxHeaders/plugin.wasm", b"20 mtime=1700000000\n", PAX), ("plugin.wasm", wasm)))], {}
    yield "cncf-component", 6, "component", cncf_config(COMPONENT, "wasip2"), [(WASM, COMPONENT)], {}
    yield "cncf-hidden-component", 6, "component", cncf_config(COMPONENT), [(WASM, COMPONENT)], {}
    yield "cncf-two-layers", 6, "exactly one layer", cncf_config(wasm), [(WASM, wasm), (WASM, wasm + b"\0\1\0")], {}
    yield "proxy-wasm", 6, "'proxy_log' from 'env'", (OCI_CONFIG, {}), [(ISTIO_CONFIG, b"{}"), (
        ISTIO_WASM, b"\0asm\1\0\0\0\2\x11\1\3env\x09proxy_log\0\0")], {}
    yield "busybox", 6, "holds no plugin.wasm", (OCI_CONFIG, container), [(OCI_LAYER, archive(("bin/sh", b"x")))], {}
    yield "istio-link", 6, "link", (OCI_CONFIG, container), [(OCI_LAYER, archive(("plugin.wasm", b"", LINK)))], {}
    yield "istio-up", 6, "leaves the archive", (OCI_CONFIG, container), [(OCI_LAYER, archive(("../plugin.wasm", wasm)))], {}
    yield "istio-twice", 6, "holds one file", (OCI_CONFIG, container), [(OCI_LAYER, archive(
        ("plugin.wasm", wasm), ("./plugin.wasm", wasm)))], {}
    yield "container", 6, "a container image", (OCI_CONFIG, container), [(OCI_LAYER, plugin), (OCI_LAYER, archive())], {}
    yield "spin", 6, "a Spin application", ("application/vnd.fermyon.spin.application.v1+config", {}), [(
        "application/vnd.wasm.content.layer.v1+wasm", wasm), ("application/vnd.wasm.content.layer.v1+data", b"x")], {}
    yield "helm", 6, "a Helm chart", ("application/vnd.cncf.helm.config.v1+json", {}), [(
        "application/vnd.cncf.helm.chart.content.v1.tar+gzip", archive(("x/Chart.yaml", b"x")))], {}


def make(folder, wasm):
    with open(os.path.join(folder, "cases.tsv"), "w") as table:
        for name, code, words, config, layers, more in cases(wasm):
            Layout(os.path.join(folder, name)).image(config, layers, **more)
            table.write("%s\t%d\t%s\n" % (name, code, words))


if __name__ == "__main__":
    if sys.argv[1:2] != ["make"] or len(sys.argv) != 4:
        raise SystemExit(__doc__)
    make(sys.argv[2], open(sys.argv[3], "rb").read())
