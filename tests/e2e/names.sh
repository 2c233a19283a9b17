#!/bin/bash
# Names of images: version ranges that pick a tag of a registry, a layout or the store.
. "$(dirname "$0")/../support/lib.sh"

compile_guest "$work/hello.wasm" <<<'int main(void) { return 0; }'
jq -n '{apiVersion: "cup.flipt.io/v1alpha1", kind: "ResourceDefinition", metadata: {name: "notes.demo.example"},
    names: {kind: "Note", singular: "note", plural: "notes"},
    spec: {group: "demo.example", versions: {v1: {type: "object"}}}}' >"$work/notes.json"
pack() { # reference, version
    cup pack --wasm "$work/hello.wasm" --definition "$work/notes.json" \
        --annotation "org.opencontainers.image.version=$2" -t "$1" | sed 's/.*@//'
}
start_registry
repo=$registry/team/hello
declare -A digests
for version in 1.2.0 v1.2.9 1.2.10 1.3.0-rc.1 2.0.0; do
    digests[$version]=$(pack "hello:$version" "$version")
    cup push -q "hello:$version" "$repo:$version" "oci-layout:$work/layout:$version" >/dev/null
done
cup push -q hello:2.0.0 "$repo:latest" "$repo:1.2" "$repo:3.x" >/dev/null

# --- ranges
picks() { # reference, version
    expect_exit 0 cup pull -q "$1"
    holds "$1 picks $2" test "$(cat "$stdout")" = "${1%:*}:$2@${digests[$2]}"
}
picks "$repo:~1.2" 1.2.10
picks "$repo:^1.2.0" 1.2.10
picks "$repo:1.x" 1.2.10
picks "$repo:>=1.2 <1.2.10" v1.2.9
picks "$repo:>=1.3.0-0 <2" 1.3.0-rc.1
picks "$repo:*" 2.0.0
picks "oci-layout:$work/layout:~1.2" 1.2.10
expect_exit 0 cup pull -q "$repo:3.x"
holds "a tag that is spelled like a range is taken as it stands" grep -q ":3.x@${digests[2.0.0]}" "$stdout"
expect_exit 0 cup pull -q "$repo:1.2"
holds "1.2 is a tag, not a range" grep -q ":1.2@${digests[2.0.0]}" "$stdout"
expect_exit 0 cup inspect "$repo:~1.2" -o json
holds "inspect shows the tag that was picked" test "$(jq -r .reference "$stdout")" = "$repo:1.2.10@${digests[1.2.10]}"
expect_exit 0 cup inspect "$repo:~1.2" --local -o name
holds "... of the store, by its names" grep -q "^$repo:1.2.10@" "$stdout"
expect_exit 0 cup inspect 'hello:<1.2.9' -o name
holds "... also for a name without host" grep -qx "hello:1.2.0@${digests[1.2.0]}" "$stdout"
expect_exit 0 cup image copy "$repo:~1.2" "oci-layout:$work/copied:v1"
holds "copy picks, too" grep -q "@${digests[1.2.10]}" "$stdout"
expect_exit 0 cup image diff "$repo:1.2.10" "$repo:~1.2"
expect_exit 0 cup image referrers "$repo:~1.2" -o json
holds "... as do diff and referrers" test "$(jq -r .reference "$stdout")" = "$repo:1.2.10@${digests[1.2.10]}"
COSIGN_PASSWORD='' cup image keygen --output-key-prefix "$work/cosign" >"$work/check.out" 2>&1
expect_exit 7 cup image verify --key "$work/cosign.pub" "$repo:~1.2"
holds "... and verify" grep -q "${digests[1.2.10]} must be signed" "$stderr"
expect_exit 3 cup pull "$repo:~4.0"
holds "none that fits: the error lists the tags, the highest first" \
    grep -q "no tag of '$repo' fits '~4.0': there are 2.0.0, 1.3.0-rc.1, 1.2.10, v1.2.9, 1.2.0, latest" "$stderr"
expect_exit 3 cup inspect "$repo:~4.0" --local
expect_exit 6 cup pull "$repo:~four"
expect_exit 6 cup pull "$repo:~1.2@${digests[1.2.0]}"
expect_exit 6 cup push hello:1.2.0 "$repo:~1.2"
holds "a push goes to one tag" grep -q 'a version range is only for reading' "$stderr"
expect_exit 6 pack 'hello:~1.2' x

# --- a server
mkdir "$work/tree"
start_cupd -api-source local -api-local-path "$work/tree" -api-image "$repo:~1.2"
expect_exit 0 cup controller show hello -o json
holds "a controller's image may be a range" grep -q "${digests[1.2.10]}" "$stdout"
stop_cupd
done_testing
