#!/bin/bash
# A controller image on its way: packed, pushed to a real registry, inspected, pulled, laid out on disk;
# read by skopeo; and what cup says when something is wrong with it.
. "$(dirname "$0")/../support/lib.sh"

compile_guest "$work/hello.wasm" <<<'int main(void) { return 0; }'
write_definition() { # plural, kind
    jq -n --arg plural "$1" --arg kind "$2" '{apiVersion: "cup.flipt.io/v1alpha1", kind: "ResourceDefinition",
        metadata: {name: ($plural + ".demo.example")}, names: {kind: $kind, singular: ($kind | ascii_downcase), plural: $plural},
        spec: {group: "demo.example", versions: {v1: {type: "object", properties: {spec: {type: "object"}}}}}}'
}
write_definition widgets Widget >"$work/widgets.json"
write_definition notes Note >"$work/notes.json"
pack() { # flags
    cup pack --wasm "$work/hello.wasm" --definition "$work/widgets.json" --definition "$work/notes.json" "$@"
}

# --- pack
pack -t hello:v1 >"$work/first"
pack -t hello:v1 --store "$work/other-store" >"$work/second"
holds "packing again, elsewhere, gives the same digest" cmp "$work/first" "$work/second"
holds "pack prints REF@DIGEST and nothing else" grep -qxE 'hello:v1@sha256:[0-9a-f]{64}' "$work/first"
digest=$(sed 's/.*@//' "$work/first")
touch -d 2001-01-01 "$work/hello.wasm" "$work/widgets.json"
mkdir "$work/dir"
cp "$work/hello.wasm" "$work/widgets.json" "$work/notes.json" "$work/dir/"
cup pack "$work/dir" -t hello:dir >"$work/out"
holds "a directory packs to the same" grep -q "@$digest$" "$work/out"
holds "-o json is one document" test "$(pack -t hello:v1 -o json | jq -r .digest)" = "$digest"
expect_exit 0 pack -t hello:one -t hello:two -t "oci-layout:$work/packed:three"
holds "several -t give it several names, in the store and in layouts" cmp "$stdout" <(printf '%s\n' \
    "hello:one@$digest" "hello:two@$digest" "oci-layout:$work/packed:three@$digest")
expect_exit 0 cup inspect hello:two
expect_exit 0 cup inspect "oci-layout:$work/packed:three"
expect_exit 6 pack -t hello:four -t 'Upper/Case:v1'
expect_exit 3 cup inspect hello:four
holds "-o json of several names has all of them" test "$(pack -t hello:one -t hello:two -o json | jq -c '[.reference, .references]')" = \
    "[\"hello:one@$digest\",[\"hello:one@$digest\",\"hello:two@$digest\"]]"
SOURCE_DATE_EPOCH=1700000000 pack -t hello:dated >"$work/out"
holds "SOURCE_DATE_EPOCH makes another image" test "$(grep -c "$digest" "$work/out" || true)" = 0
SOURCE_DATE_EPOCH=soon expect_exit 2 pack -t hello:dated
expect_exit 2 pack
expect_exit 6 pack -t 'Upper/Case:v1'
expect_exit 3 cup pack --wasm "$work/none.wasm" --definition "$work/widgets.json" -t hello:v2
echo '{"kind": "Other"}' >"$work/bad.json"
expect_exit 6 cup pack --wasm "$work/hello.wasm" --definition "$work/bad.json" -t hello:v2
holds "the error names the file" grep -q "bad.json" "$stderr"
expect_exit 6 cup pack --wasm "$work/widgets.json" --definition "$work/widgets.json" --name x -t hello:v2
holds "... and the module" grep -q "widgets.json" "$stderr"

# --- push
start_registry
ref=$registry/team/hello:v1
expect_exit 2 cup push hello:v1
holds "a name of the store alone goes nowhere" grep -q 'give a destination' "$stderr"
expect_exit 0 cup push hello:v1 "$ref" "oci-layout:$work/layout:v1"
holds "push prints each destination with the digest" cmp "$stdout" <(printf '%s\n' "$ref@$digest" "oci-layout:$work/layout:v1@$digest")
holds "progress goes to stderr" grep -q '^push sha256:' "$stderr"
expect_exit 0 cup push hello:v1 "$registry/team/quiet:v1" -q
holds "-q says nothing" test ! -s "$stderr"
expect_exit 3 cup push hello:none "$ref"

# --- what other tools read
skopeo inspect --raw --tls-verify=false "docker://$ref" >"$work/manifest.json"
holds "the registry has the manifest of that digest" test "sha256:$(sha256sum <"$work/manifest.json" | cut -d' ' -f1)" = "$digest"
holds "the manifest is docs/image-format.md's, field by field" jq -e '
    (keys_unsorted == ["schemaVersion", "mediaType", "artifactType", "config", "layers", "annotations"])
    and .schemaVersion == 2 and .mediaType == "application/vnd.oci.image.manifest.v1+json"
    and .artifactType == "application/vnd.io.flipt.cup.controller+type"
    and .config == {mediaType: "application/vnd.oci.empty.v1+json", size: 2, data: "e30=",
        digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}
    and ([.layers[].mediaType] == ["application/vnd.io.flipt.cup.controller.content.v1.tar+gzip",
        "application/vnd.io.flipt.cup.resource.v1+json", "application/vnd.io.flipt.cup.resource.v1+json"])
    and ([.layers[].annotations["org.opencontainers.image.title"]]
        == ["controller.tar.gz", "notes.demo.example.json", "widgets.demo.example.json"])
    and .annotations["io.flipt.cup.controller.name"] == "hello"
    and .annotations["io.flipt.cup.controller.abi"] == "wasi-cli/v1"
    and .annotations["io.flipt.cup.controller.kinds"] == "demo.example/v1/notes,demo.example/v1/widgets"
    and (.annotations | has("org.opencontainers.image.created") | not)' "$work/manifest.json"
wasm_digest=sha256:$(sha256sum <"$work/hello.wasm" | cut -d' ' -f1)
holds "the module's digest and size are annotated" jq -e --arg d "$wasm_digest" --arg n "$(stat -c %s "$work/hello.wasm")" \
    '.layers[0].annotations | .["io.flipt.cup.wasm.digest"] == $d and .["io.flipt.cup.wasm.size"] == $n' "$work/manifest.json"
expect_exit 0 skopeo copy --preserve-digests "oci:$work/layout:v1" "oci:$work/copied:v1"
holds "skopeo copies the layout to the same digest" test "$(jq -r '.manifests[0].digest' "$work/copied/index.json")" = "$digest"
expect_exit 0 skopeo copy --preserve-digests "oci:$XDG_DATA_HOME/cup/store:hello:v1" "oci:$work/from-store:v1"
holds "... and the local store" test "$(jq -r '.manifests[0].digest' "$work/from-store/index.json")" = "$digest"
expect_exit 0 cup inspect "oci-layout:$work/copied:v1"

# --- inspect
content=$(jq -r '.layers[0].digest' "$work/manifest.json")
: >"$registry_log"
cup inspect "$ref" >"$work/out"
holds "inspect shows kinds, digests and sizes" grep -q "$wasm_digest" "$work/out"
holds "... the content layer's" grep -q "$content" "$work/out"
holds "... what the schemas ask for, in a line each" grep -qxE 'Schema +v1: spec: any object' "$work/out"
holds "... and no schema in full" test "$(grep -c '{' "$work/out" || true)" = 0
cup inspect "$ref" -o wide >"$work/out"
holds "-o wide has them in full" grep -q 'schema of v1: {' "$work/out"
cup inspect "$ref" -o json >"$work/out"
holds "inspect -o json is one document with the schemas" jq -se --arg d "$digest" 'length == 1 and .[0].digest == $d
    and [.[0].definitions[].kind] == ["Note", "Widget"] and .[0].definitions[1].schemas.v1.type == "object"' "$work/out"
holds "the registry was asked for the definitions" grep -q "GET /v2/team/hello/blobs/$(jq -r '.layers[1].digest' "$work/manifest.json")" "$registry_log"
holds "... and not for the content layer" test "$(grep -c "$content" "$registry_log" || true)" = 0
cup inspect "oci-layout:$work/layout:v1" -o json >"$work/layout.json"
holds "the layout on disk reads the same" cmp <(jq 'del(.reference)' "$work/out") <(jq 'del(.reference)' "$work/layout.json")
expect_exit 0 cup inspect hello:v1
expect_exit 0 cup image inspect "$ref"
expect_exit 3 cup inspect "$ref" --local

# --- pull
expect_exit 0 cup pull "$ref" --store "$work/empty" -d "$work/unpacked"
holds "pull prints REF@DIGEST" test "$(cat "$stdout")" = "$ref@$digest"
holds "it says so for each layer that moved" grep -q '^pull sha256:' "$stderr"
holds "the module is unpacked as it was" cmp "$work/unpacked/controller.wasm" "$work/hello.wasm"
holds "... the definitions too" cmp "$work/unpacked/widgets.demo.example.json" "$work/widgets.json"
expect_exit 0 cup inspect "$ref" --local --store "$work/empty"
expect_exit 0 cup pull "$ref@$digest" --store "$work/by-digest"
expect_exit 0 cup pull "oci-layout:$work/layout:v1" --store "$work/from-layout"
expect_exit 0 cup pull "oci-layout:$work/layout@$digest" --store "$work/from-layout"
expect_exit 2 cup pull hello:v1

# a push from the store that was pulled into
expect_exit 0 cup push "$ref" "oci-layout:$work/again:v1" --store "$work/empty"
holds "what was pulled is pushed unchanged" test "$(jq -r '.manifests[0].digest' "$work/again/index.json")" = "$digest"

# --- what is wrong is said
none=sha256:$(printf '0%.0s' {1..64})
expect_exit 3 cup pull "$registry/team/hello@$none"
expect_exit 3 cup pull "$registry/team/hello:none"
holds "the error names tag and repository in one or two lines" grep -q "'none' in '$registry/team/hello'" "$stderr"
holds "... not more" test "$(wc -l <"$stderr")" -le 2
expect_exit 8 cup pull 127.0.0.1:1/team/hello:v1
expect_exit 6 cup pull "$registry/team/Hello:v1"
expect_exit 2 cup pull
expect_exit 2 cup pull "$ref" --bogus
expect_exit 2 cup image bogus
other=$(SOURCE_DATE_EPOCH=1 pack -t hello:other | sed 's/.*@//')
cup push hello:other "oci-layout:$work/lying:v1" >/dev/null 2>&1
cp "$work/lying/blobs/sha256/${other#sha256:}" "$work/lying/blobs/sha256/${digest#sha256:}"
expect_exit 7 cup pull "oci-layout:$work/lying@$digest" --store "$work/lied-to"
layer=$(jq -r '.layers[1].digest' "$work/manifest.json")
blob=$(find "$work/registry."*/data -path "*/blobs/sha256/??/${layer#sha256:}/data")
printf 'x' | dd of="$blob" bs=1 seek=20 conv=notrunc status=none
expect_exit 7 cup pull "$ref" --store "$work/damaged"
holds "a layer that is not what its digest says is not kept" test ! -e "$work/damaged/blobs/sha256/${layer#sha256:}"
holds "... and nothing is named in the store" test "$(jq '.manifests | length' "$work/damaged/index.json")" = 0

# --- credentials
start_registry_auth robot 'pass:w%rd'
ref=$registry/team/hello:v1
expect_exit 4 cup push hello:v1 "$ref"
holds "the error says where credentials are read" grep -q 'config.json' "$stderr"
mkdir "$HOME/.docker"
jq -n --arg host "$registry" --arg auth "$(printf 'robot:wrong' | base64)" '{auths: {($host): {auth: $auth}}}' >"$HOME/.docker/config.json"
expect_exit 4 cup push hello:v1 "$ref" --plain-http
jq -n --arg host "$registry" --arg auth "$(printf 'robot:pass:w%%rd' | base64)" '{auths: {($host): {auth: $auth}}}' >"$HOME/.docker/config.json"
expect_exit 0 cup push hello:v1 "$ref" --plain-http
holds "with credentials it is pushed" grep -q "$digest" "$stdout"
mkdir "$work/docker"
mv "$HOME/.docker/config.json" "$work/docker/config.json"
expect_exit 4 cup pull "$ref" --plain-http --store "$work/denied"
expect_exit 0 cup pull "$ref" --plain-http --store "$work/allowed" --registry-config "$work/docker/config.json"
DOCKER_CONFIG=$work/docker expect_exit 0 cup inspect "$ref" --plain-http -l debug
expect_exit 3 cup inspect "$ref" --plain-http --registry-config "$work/none.json"
holds "without --plain-http no credentials go out in the clear" expect_exit 4 env DOCKER_CONFIG="$work/docker" "$CUP_BIN/cup" inspect "$ref"
holds "no output held the password" test "$(grep -c 'pass:w%rd' "$work/everything" || true)" = 0
done_testing
