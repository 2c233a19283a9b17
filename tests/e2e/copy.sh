#!/bin/bash
# Copies between registries, layouts and the store; what goes along, what is refused, and in which order.
. "$(dirname "$0")/../support/lib.sh"

compile_guest "$work/hello.wasm" <<<'int main(void) { return 0; }'
cup pack --wasm "$work/hello.wasm" --definition "$CUP_SOURCE_DIR/examples/flipt/flags.json" --name hello -t hello:v1 >"$work/packed"
digest=$(sed 's/.*@//' "$work/packed")
export COSIGN_PASSWORD=
cup image keygen --output-key-prefix "$work/cosign" >"$work/check.out" 2>&1
key=$work/cosign.key
pub=$work/cosign.pub

start_registry
first=$registry
first_log=$registry_log
start_registry
second=$registry
manifest() { # REF: the digest that a registry has for it
    curl -sS -o /dev/null -D - -H 'Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json' \
        "http://${1%%/*}/v2/$(cut -d/ -f2- <<<"${1%:*}")/manifests/${1##*:}" | tr -d '\r' | sed -n 's/^docker-content-digest: //Ip'
}
same() { [ "$(manifest "$1")" = "$digest" ]; }

# --- from everywhere to everywhere --------------------------------------------------------------------------
expect_exit 0 cup image copy hello:v1 "$first/a/hello:v1" --plain-http
holds "store to registry" same "$first/a/hello:v1"
expect_exit 0 cup image sign --key "$key" "$first/a/hello:v1" --remote --plain-http
expect_exit 0 cup image copy "$first/a/hello:v1" "$second/b/hello:v2" --from-plain-http --to-plain-http
holds "registry to registry" same "$second/b/hello:v2"
expect_exit 7 cup image verify --key "$pub" "$second/b/hello:v2" --plain-http
expect_exit 0 cup image copy -r "$first/a/hello:v1" "$second/b/hello:v2" --plain-http
expect_exit 0 cup image verify --key "$pub" "$second/b/hello:v2" --plain-http
expect_exit 0 cup image copy -r "$second/b/hello:v2" "oci-layout:$work/layout:v3" --plain-http
expect_exit 0 cup image verify --key "$pub" "oci-layout:$work/layout:v3"
expect_exit 0 cup image copy -r "oci-layout:$work/layout:v3" "oci-layout:$work/layout2:v3"
expect_exit 0 cup image verify --key "$pub" "oci-layout:$work/layout2:v3"
expect_exit 0 cup image copy "oci-layout:$work/layout:v3" other:v3
holds "layout to store" grep -q "$digest" "$stdout"
expect_exit 0 skopeo copy -q --src-tls-verify=false "docker://$second/b/hello:v2" "dir:$work/skopeo"
expect_exit 0 skopeo inspect --raw "oci:$work/layout2:v3"

# Another repository of one registry: taken over, not sent.
expect_exit 0 cup image copy -r "$first/a/hello:v1" "$first/c/mounted:v1" --plain-http
holds "mounted" same "$first/c/mounted:v1"
holds "... and its signature too" cup image verify --key "$pub" "$first/c/mounted:v1" --plain-http
uploads() { grep -c "PUT /v2/$1/blobs/uploads" "$first_log" || true; }
holds "... no blob was sent" test "$(uploads c/mounted)" = 0
holds "... while the first push did" test "$(uploads a/hello)" -gt 0
expect_exit 0 cup image copy "$first/a/hello:v1" "$first/a/hello:again" --plain-http
holds "a tag of the same repository" same "$first/a/hello:again"

# --- push takes signatures along -----------------------------------------------------------------------------
expect_exit 0 cup image sign --key "$key" hello:v1
expect_exit 0 cup push hello:v1 "$second/d/signed:v1" "$second/d/bare:v1" --plain-http
expect_exit 0 cup image verify --key "$pub" "$second/d/signed:v1" --plain-http
expect_exit 0 cup push hello:v1 "$second/e/bare:v1" --plain-http --no-referrers
expect_exit 7 cup image verify --key "$pub" "$second/e/bare:v1" --plain-http

# --- signatures under a tag that both sides have ----------------------------------------------------------------
cup image keygen --output-key-prefix "$work/other" >"$work/check.out" 2>&1
expect_exit 0 cup push hello:v1 "oci-layout:$work/ours:v1" "oci-layout:$work/theirs:v1" --no-referrers
expect_exit 0 cup image sign --format simple --key "$key" "oci-layout:$work/ours:v1"
expect_exit 0 cup image sign --format simple --key "$work/other.key" "oci-layout:$work/theirs:v1"
for to in "oci-layout:$work/theirs:v1" "$second/d/theirs:v1"; do
    expect_exit 0 cup image copy -r "oci-layout:$work/theirs:v1" "$to" --plain-http
    expect_exit 0 cup image copy -r "oci-layout:$work/ours:v1" "$to" --plain-http
    holds "t_copy__a_sig_tag_gets_the_new_signature" cup image verify --key "$pub" "$to" --plain-http
    holds "... and keeps the one that it had" cup image verify --key "$work/other.pub" "$to" --plain-http
    expect_exit 0 cup image copy -r "oci-layout:$work/ours:v1" "$to" --plain-http
    holds "... once, however often" test "$(cup image verify --key "$pub" "$to" --plain-http -o json | jq '.signatures | length')" = 2
done
holds "... which skopeo copies" skopeo copy -q --src-tls-verify=false "docker://$second/d/theirs:sha256-${digest#sha256:}.sig" "dir:$work/sig"

# --- indexes ---------------------------------------------------------------------------------------------------
index_over() { # MEDIA DESCRIPTOR…: an index in the layout, its descriptor on stdout
    local file=$work/index.$RANDOM hex
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' "$1" >"$file"
    hex=$(sha256sum <"$file" | cut -d' ' -f1)
    cp "$file" "$work/layout/blobs/sha256/$hex"
    printf '{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:%s","size":%s}' "$hex" "$(stat -c %s "$file")"
}
named() { # NAME DESCRIPTOR: in the layout's index.json
    jq -c --arg n "$1" --argjson d "$2" '.manifests += [$d + {annotations: {"org.opencontainers.image.ref.name": $n}}]' \
        "$work/layout/index.json" >"$work/index.new"
    cp "$work/index.new" "$work/layout/index.json"
}
child=$(jq -c --arg d "$digest" '.manifests[] | select(.digest == $d) | {mediaType, digest, size}' "$work/layout/index.json" | head -1)
named called_an_index "$(jq -c '.mediaType = "application/vnd.oci.image.index.v1+json"' <<<"$child")"
expect_exit 6 cup inspect "oci-layout:$work/layout:called_an_index"
holds "t_adv_06_layout_says_another_type" grep -q 'ambiguous manifest' "$stderr"
expect_exit 6 cup image copy "oci-layout:$work/layout:called_an_index" "oci-layout:$work/layout3:v1"
two=$(index_over "$(index_over "$child")")
named nested "$two"
expect_exit 0 cup image copy "oci-layout:$work/layout:nested" "$second/f/nested:v1" --plain-http
holds "an index in an index goes whole" test "$(manifest "$second/f/nested:v1")" = "$(jq -r .digest <<<"$two")"
deep=$two
for _ in 1 2 3 4; do deep=$(index_over "$deep"); done
named deep "$deep"
expect_exit 6 cup image copy "oci-layout:$work/layout:deep" "$second/f/deep:v1" --plain-http
holds "t_adv_18_too_deep_an_index" grep -q 'nesting' "$stderr"
missing=$(index_over "$child,$(jq -c '.digest = "sha256:" + ("a" * 64)' <<<"$child")")
named missing "$missing"
expect_exit 0 cup image copy hello:v1 "$second/f/kept:v1" --plain-http
expect_exit 3 cup image copy "oci-layout:$work/layout:missing" "$second/f/kept:v1" --plain-http
holds "t_adv_18_missing_child_is_refused" grep -q "sha256:aaaa" "$stderr"
holds "t_adv_18_the_old_tag_is_untouched" same "$second/f/kept:v1"

# --- layers that say where else they lie -----------------------------------------------------------------------
start_fault_registry
foreign=$(jq -c --arg u "http://$evil/blob" '.layers[0].urls = [$u]' "$work/layout/blobs/sha256/${digest#sha256:}")
hex=$(printf %s "$foreign" | sha256sum | cut -d' ' -f1)
printf %s "$foreign" >"$work/layout/blobs/sha256/$hex"
named foreign "$(jq -c --arg d "sha256:$hex" --argjson n "${#foreign}" '.digest = $d | .size = $n' <<<"$child")"
rm "$work/layout/blobs/sha256/$(jq -r '.layers[0].digest' <<<"$foreign" | cut -d: -f2)"
expect_exit 3 cup image copy "oci-layout:$work/layout:foreign" "$registry/g/foreign:v1" --plain-http
expect_exit 3 cup pull "oci-layout:$work/layout:foreign" --store "$work/foreign-store"
holds "t_adv_12_foreign_urls_are_not_followed" test "$(requests '.at == "evil"')" = 0

# --- blobs at once -----------------------------------------------------------------------------------------------
mkdir -p "$work/many/blobs/sha256"
layers=
for i in $(seq 20); do
    head -c 2000 /dev/urandom >"$work/blob"
    hex=$(sha256sum <"$work/blob" | cut -d' ' -f1)
    mv "$work/blob" "$work/many/blobs/sha256/$hex"
    layers=$layers${layers:+,}'{"mediaType":"application/x","digest":"sha256:'$hex'","size":2000}'
done
printf '{}' >"$work/many/blobs/sha256/44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/x","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[%s]}' "$layers" >"$work/m"
hex=$(sha256sum <"$work/m" | cut -d' ' -f1)
printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s}]}' "$hex" "$(stat -c %s "$work/m")" >"$work/many/index.json"
cp "$work/m" "$work/many/blobs/sha256/$hex"
echo '{"imageLayoutVersion":"1.0.0"}' >"$work/many/oci-layout"
# A session takes a while to begin: meanwhile all of them have asked whether their blob is there.
start_fault_registry --fault 'POST uploads * delay 2'
expect_exit 0 cup image copy "oci-layout:$work/many" "$registry/h/many:v1" --plain-http --concurrency 20
at_once=$(jq -r 'select(.method) | .method' "$registry_log" | sed '/PUT/q' | grep -c HEAD)
holds "t_copy__twenty_layers_at_once ($at_once)" test "$at_once" -ge 20
expect_exit 2 cup image copy "oci-layout:$work/many" "$registry/h/many:v1" --concurrency 0
done_testing
