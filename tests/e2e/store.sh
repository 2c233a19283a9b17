#!/bin/bash
# The local store: what its commands say and do; that skopeo reads it; and layouts as other tools make them.
. "$(dirname "$0")/../support/lib.sh"

compile_guest "$work/one.wasm" <<<'int main(void) { return 1; }'
compile_guest "$work/two.wasm" <<<'int main(void) { return 2; }'
pack() { # module, reference
    cup pack --wasm "$work/$1.wasm" --definition "$CUP_SOURCE_DIR/examples/flipt/flags.json" -t "$2" | sed 's/.*@//'
}
names() { cup image list -o name; }
store=$XDG_DATA_HOME/cup/store

# --- nothing there yet
expect_exit 0 cup image list
holds "a store that is not there is empty" test ! -s "$stdout"
expect_exit 0 cup image prune
expect_exit 0 cup image check
expect_exit 3 cup image remove a:v1
expect_exit 3 cup image tag a:v1 a:v2
holds "... and is not made by looking" test ! -e "$store"

# --- list, tag
one=$(pack one a:v1)
expect_exit 0 cup image tag a:v1 registry.example/team/a:v1
holds "tag prints DST@DIGEST" grep -qx "registry.example/team/a:v1@$one" "$stdout"
expect_exit 0 cup image tag "a@$one" a:by-digest
expect_exit 2 cup image tag a:v1 "oci-layout:$work/layout:v1"
expect_exit 2 cup image tag a:v1 "b@$one"
expect_exit 3 cup image tag a:none b:v1
expect_exit 2 cup image list a:v1
expect_exit 0 cup image list -o json
holds "list as a document" jq -e --arg d "$one" '.images | length == 3 and all(.digest == $d and .complete and (.inUse | not))
    and (.[0] | .name == "a:v1" and .controller == "one" and .kinds == ["flipt.io/v1alpha1/flags"]
    and .artifactType == "application/vnd.io.flipt.cup.controller+type" and .size > 500 and (.added | test("Z$")))' "$stdout"
expect_exit 0 cup image ls
holds "list as a table" grep -qE "^a:v1 +${one:7:12} +flags +[0-9.]+ (B|KiB) +20" "$stdout"
holds "-o yaml" sh -c "cup image list -o yaml | grep -q 'name: .*a:v1'"

# --- remove, prune
two=$(pack two b:v1)
expect_exit 0 cup image rm a:by-digest b:v1
holds "remove prints what went" test "$(wc -l <"$stdout")" = 2
holds "remove takes no blob" test -e "$store/blobs/sha256/${two#sha256:}"
expect_exit 0 cup image prune --dry-run -o json
holds "a dry run says what would go" jq -e --arg d "$two" '.dryRun and (.blobs | length == 2 and index($d) != null)' "$stdout"
holds "... and removes nothing" test -e "$store/blobs/sha256/${two#sha256:}"
expect_exit 0 cup image prune
holds "prune takes what only removed names needed" test ! -e "$store/blobs/sha256/${two#sha256:}"
holds "... and nothing else" cup image check
expect_exit 3 cup image remove b:v1 a:v1
holds "one that is not there does not stop the others" test "$(names)" = registry.example/team/a:v1
expect_exit 5 cup image remove "registry.example/team/a:v1@$two"
expect_exit 0 cup image remove "registry.example/team/a@$one" --prune
holds "--prune leaves an empty store empty" test -z "$(ls "$store/blobs/sha256")"
pack one a:v1 >"$work/out"
sleep 1.1
pack two b:v1 >"$work/out"
expect_exit 0 cup image prune --max-size 12KiB --dry-run
holds "by size the one used longest ago goes first" sh -c "grep -q 'would remove a:v1' '$stdout' && ! grep -q b:v1 '$stdout'"
cup push a:v1 "oci-layout:$work/layout:v1" -q >/dev/null
sleep 1.1
cup push a:v1 "oci-layout:$work/layout:v1" -q >/dev/null
expect_exit 0 cup image prune --max-size 12KiB --dry-run
holds "... and being sent is a use" sh -c "grep -q 'would remove b:v1' '$stdout' && ! grep -q a:v1 '$stdout'"
expect_exit 0 cup image prune --max-age 1d
holds "by age nothing of today goes" test "$(names | wc -l)" = 2
expect_exit 2 cup image prune --max-age soon
expect_exit 2 cup image prune --max-size much
touch -d '2 hours ago' "$work/old"
printf x >"$store/blobs/sha256/2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
expect_exit 0 cup image prune
holds "what another tool has just brought stays" test -e "$store/blobs/sha256/2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
touch -r "$work/old" "$store/blobs/sha256/2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
expect_exit 0 cup image prune
holds "... until it is old" test ! -e "$store/blobs/sha256/2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
expect_exit 0 cup image prune --all
holds "--all takes all" test -z "$(names)"

# --- permissions
holds "the store is its owner's alone" test "$(stat -c %a "$store" "$store/blobs" "$store/index.json" | tr '\n' ' ')" = "700 700 600 "
chmod 777 "$store"
expect_exit 4 cup image list
holds "t_adv_60_a_store_that_others_may_write_is_refused_with_the_way_out" grep -q "chmod go-w" "$stderr"
expect_exit 4 cup pack --wasm "$work/one.wasm" --definition "$CUP_SOURCE_DIR/examples/flipt/flags.json" -t c:v1
chmod 700 "$store"

# --- other tools read it
one=$(pack one a:v1)
holds "skopeo reads the store" sh -c "skopeo inspect --raw 'oci:$store:a:v1' >'$work/raw' && test sha256:\$(sha256sum <'$work/raw' | cut -d' ' -f1) = $one"
holds "... and copies from it" skopeo copy -q --preserve-digests "oci:$store:a:v1" "oci:$work/copied:v1"
holds "... what we read" cup image check "oci-layout:$work/copied"
expect_exit 0 cup pull "oci-layout:$work/copied:v1"
holds "... with the same digest" grep -q "@$one$" "$stdout"

# --- layouts as others make them
cup push a:v1 "oci-layout:$work/base:v1" -q >/dev/null
variant() { # name, jq filter over index.json
    cp -r "$work/base" "$work/$1"
    jq "$2" "$work/base/index.json" >"$work/$1/index.json"
}
variant nameless 'del(.manifests[].annotations)'
expect_exit 0 cup inspect "oci-layout:$work/nameless" -o name
expect_exit 0 cup inspect "oci-layout:$work/nameless@$one" -o name
expect_exit 0 cup image list "oci-layout:$work/nameless"
holds "an entry without a name is listed" grep -q '<none>' "$stdout"
variant extra '. + {"x-tool": {"n": 1.0}} | .manifests[0].annotations["org.example"] = "kept" | .manifests += [{"mediaType": "application/xml", "digest": "sha512:00", "size": 1}]'
echo '{"imageLayoutVersion": "1.0.0", "x-tool": [1]}' >"$work/extra/oci-layout"
mkdir "$work/extra/blobs/sha512" "$work/extra/tool.d"
touch "$work/extra/blobs/sha256/notes.txt" "$work/extra/README"
expect_exit 0 cup inspect "oci-layout:$work/extra:v1" -o name
expect_exit 0 cup image tag "oci-layout:$work/extra:v1" "oci-layout:$work/extra:v2"
expect_exit 0 cup image prune "oci-layout:$work/extra" --grace 0s
holds "what other tools wrote is kept" jq -e '."x-tool".n == 1.0 and (.manifests | length == 3 and .[0].annotations["org.example"] == "kept")' "$work/extra/index.json"
holds "... and their files" test -e "$work/extra/blobs/sha256/notes.txt" -a -e "$work/extra/README"
cp -r "$work/base" "$work/nested"
jq -c '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [.manifests[0] | del(.annotations)]}' \
    "$work/base/index.json" >"$work/inner"
inner=$(sha256sum <"$work/inner" | cut -d' ' -f1)
cp "$work/inner" "$work/nested/blobs/sha256/$inner"
jq --arg d "sha256:$inner" --argjson n "$(stat -c %s "$work/inner")" \
    '.manifests = [{mediaType: "application/vnd.oci.image.index.v1+json", digest: $d, size: $n, annotations: {"org.opencontainers.image.ref.name": "v1"}}]' \
    "$work/base/index.json" >"$work/nested/index.json"
expect_exit 0 cup inspect "oci-layout:$work/nested:v1" -o name
expect_exit 0 cup image prune "oci-layout:$work/nested" --grace 0s
holds "an index within the index keeps its images" cup image check "oci-layout:$work/nested"
expect_exit 0 cup image list "oci-layout:$work/nested" -o json
holds "... and shows the image's kinds" jq -e '.images[0].kinds == ["flipt.io/v1alpha1/flags"]' "$stdout"
echo '{"imageLayoutVersion": "2.0.0"}' >"$work/nested/oci-layout"
expect_exit 1 cup inspect "oci-layout:$work/nested:v1"
expect_exit 3 cup image list "oci-layout:$work/none"

done_testing
