#!/bin/bash
# pack --compat-wasm: one name, an index, our manifest and that of the CNCF layout; each reader finds its own.
. "$(dirname "$0")/../support/lib.sh"

compile_guest "$work/hello.wasm" <<<'int main(void) { return 0; }'
definition=$CUP_SOURCE_DIR/examples/flipt/flags.json
pack() { cup pack --wasm "$work/hello.wasm" --definition "$definition" "$@"; }
plain=$(pack -t hello:plain | sed 's/.*@//')
pack --compat-wasm -t "oci-layout:$work/one:v1" >"$work/first"
pack --compat-wasm -t "oci-layout:$work/two:v1" >"$work/second"
digest=$(sed 's/.*@//' "$work/first")
holds "packing again gives the same digest" test "$digest" = "$(sed 's/.*@//' "$work/second")"
blob() { cat "$work/one/blobs/sha256/${1#sha256:}"; }
blob "$digest" >"$work/index.json"
holds "the name is that of an index of two" jq -e --arg d "$plain" '.mediaType == "application/vnd.oci.image.index.v1+json"
    and (.manifests | length) == 2 and .manifests[0].digest == $d
    and .manifests[0].artifactType == "application/vnd.io.flipt.cup.controller+type"
    and .manifests[1].platform == {architecture: "wasm", os: "wasip1"}' "$work/index.json"
blob "$(jq -r '.manifests[1].digest' "$work/index.json")" >"$work/cncf.json"
wasm=sha256:$(sha256sum <"$work/hello.wasm" | cut -d' ' -f1)
holds "the second is the CNCF layout, field by field" jq -e --arg w "$wasm" --argjson n "$(stat -c %s "$work/hello.wasm")" \
    '.config.mediaType == "application/vnd.wasm.config.v0+json" and .layers == [{mediaType: "application/wasm", digest: $w, size: $n}]' "$work/cncf.json"
blob "$(jq -r '.config.digest' "$work/cncf.json")" >"$work/config.json"
holds "... its config too" jq -e --arg w "$wasm" '. == {created: "1970-01-01T00:00:00Z", architecture: "wasm", os: "wasip1", layerDigests: [$w]}' "$work/config.json"
SOURCE_DATE_EPOCH=1700000000 pack --compat-wasm -t "oci-layout:$work/dated:v1" >/dev/null
holds "SOURCE_DATE_EPOCH is its date" grep -rq '"created":"2023-11-14T22:13:20Z"' "$work/dated/blobs"

# --- each reader finds its own
expect_exit 0 cup inspect "oci-layout:$work/one:v1" -o json
holds "cup reads the controller" jq -e --arg d "$digest" --arg m "$plain" '.layout == "cup" and .digest == $d and .manifestDigest == $m' "$stdout"
start_registry
expect_exit 0 cup push "oci-layout:$work/one:v1" "$registry/team/hello:v1" -q
holds "push keeps the digest" grep -q "@$digest$" "$stdout"
expect_exit 0 cup pull "$registry/team/hello:v1" -q --store "$work/store" -d "$work/unpacked"
holds "pull brings definitions and module" cmp "$work/unpacked/controller.wasm" "$work/hello.wasm"
expect_exit 0 skopeo copy --all --src-tls-verify=false "docker://$registry/team/hello:v1" "dir:$work/skopeo"
holds "skopeo copies both" test -e "$work/skopeo/${wasm#sha256:}"
expect_exit 0 cup inspect "$registry/team/hello@$(jq -r '.manifests[1].digest' "$work/index.json")" -o json
holds "the other manifest alone is a CNCF image" jq -e '.layout == "cncf"' "$stdout"

expect_exit 6 pack --verbs get,fly -t hello:bad
holds "a verb that does not exist is refused" grep -q "'fly'" "$stderr"
done_testing
