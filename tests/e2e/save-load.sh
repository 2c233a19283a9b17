#!/bin/bash
# Images in one file, for places without a network: with their signatures, the same bytes each time, read by
# other tools; and files that are cut, damaged or meant badly leave nothing behind.
. "$(dirname "$0")/../support/lib.sh"

compile_guest "$work/hello.wasm" <<<'int main(void) { return 0; }'
pack() { cup pack --wasm "$work/hello.wasm" --definition "$CUP_SOURCE_DIR/examples/flipt/flags.json" --name "$1" -t "$2"; }
pack hello registry.example.com/team/hello:v1 >"$work/packed"
pack other other:v2 >"$work/packed.other"
digest=$(sed 's/.*@//' "$work/packed")
export COSIGN_PASSWORD=
cup image keygen --output-key-prefix "$work/cosign" >"$work/check.out" 2>&1
cup image sign --key "$work/cosign.key" registry.example.com/team/hello:v1 >"$work/check.out" 2>&1

# --- out and in ------------------------------------------------------------------------------------------------
expect_exit 0 cup image save registry.example.com/team/hello:v1 other:v2 -f "$work/both.tar"
expect_exit 0 cup image save registry.example.com/team/hello:v1 other:v2 -f "$work/again.tar"
holds "t_save__the_same_bytes_each_time" cmp "$work/both.tar" "$work/again.tar"
cup image save registry.example.com/team/hello:v1 other:v2 -f - >"$work/piped.tar"
holds "... on the standard output too" cmp "$work/both.tar" "$work/piped.tar"
holds "... and nothing is left in the store" test -z "$(find "$XDG_DATA_HOME/cup/store" -name '*.bundle')"

far=(--store "$work/far")
expect_exit 0 cup image load -f "$work/both.tar" "${far[@]}"
holds "t_load__names_and_digests" grep -qx "registry.example.com/team/hello:v1@$digest" "$stdout"
expect_exit 0 cup image verify --key "$work/cosign.pub" registry.example.com/team/hello:v1 --local "${far[@]}"
expect_exit 0 cup inspect other:v2 "${far[@]}"
expect_exit 0 cup image load -f - --store "$work/far2" <"$work/both.tar"
holds "... and nothing is left" test -z "$(find "$work/far" "$work/far2" -name '*.bundle')"

# --- with other tools --------------------------------------------------------------------------------------------
expect_exit 0 cup image save other:v2 -f "$work/one.tar"
expect_exit 0 skopeo copy -q "oci-archive:$work/one.tar" "dir:$work/skopeo"
start_registry
expect_exit 0 skopeo copy -q --dest-tls-verify=false "oci-archive:$work/both.tar:other:v2" "docker://$registry/s/other:v2"
expect_exit 0 cup inspect "$registry/s/other:v2" --plain-http
expect_exit 0 skopeo copy -q --src-tls-verify=false "docker://$registry/s/other:v2" "oci-archive:$work/skopeo.tar:v2"
expect_exit 0 cup image load -f "$work/skopeo.tar" renamed:v3 "${far[@]}"
holds "t_load__an_archive_of_skopeo" grep -qx "renamed:v3@$(sed 's/.*@//' "$work/packed.other")" "$stdout"

# --- what is not taken ---------------------------------------------------------------------------------------------
refused() { # CODE WHAT FILE
    rm -rf "$work/none"
    expect_exit "$1" cup image load -f "$3" --store "$work/none"
    holds "$2: nothing is named" test "$(jq '.manifests | length' "$work/none/index.json" 2>/dev/null || echo 0)" = 0
    holds "... and nothing is left" test -z "$(find "$work/none" -name '*.bundle' -o -path '*/blobs/sha256/*')"
}
head -c 20000 "$work/both.tar" >"$work/cut.tar"
refused 6 "a file that is cut" "$work/cut.tar"
gzip -c "$work/both.tar" >"$work/both.tar.gz"
refused 6 "a file that is compressed" "$work/both.tar.gz"
holds "... and it is told" grep -q gunzip "$stderr"
echo nonsense >"$work/nonsense"
refused 6 "no archive at all" "$work/nonsense"
mkdir "$work/unpacked"
tar -C "$work/unpacked" -xf "$work/one.tar"
tar_of() { tar --format=ustar -C "$work/unpacked" -cf "$1" "${@:2}"; }
blob=$(jq -r '.layers[0].digest | sub("sha256:"; "")' "$work/unpacked/blobs/sha256/$(jq -r '.manifests[0].digest | sub("sha256:"; "")' "$work/unpacked/index.json")")
cp "$work/unpacked/blobs/sha256/$blob" "$work/blob"
printf x | dd of="$work/unpacked/blobs/sha256/$blob" bs=1 seek=100 conv=notrunc status=none
tar_of "$work/rotten.tar" oci-layout index.json blobs
refused 7 "a blob that is not what its name says" "$work/rotten.tar"
holds "... and it is named" grep -q "$blob" "$stderr"
rm "$work/unpacked/blobs/sha256/$blob"
tar_of "$work/missing.tar" oci-layout index.json blobs
rm -rf "$work/none"
expect_exit 3 cup image load -f "$work/missing.tar" --store "$work/none"
holds "an image that is not whole: nothing is named" test "$(jq '.manifests | length' "$work/none/index.json")" = 0
ln -s /etc/passwd "$work/unpacked/blobs/sha256/$blob"
tar_of "$work/link.tar" oci-layout index.json blobs
refused 6 "a link" "$work/link.tar"
rm "$work/unpacked/blobs/sha256/$blob"
cp "$work/blob" "$work/unpacked/blobs/sha256/..evil"
tar_of "$work/odd.tar" oci-layout index.json blobs
refused 6 "a blob without a digest as its name" "$work/odd.tar"

# --- broken off --------------------------------------------------------------------------------------------------------
begin_load() { # SIGNAL: a load whose input does not go on gets the signal; its exit code in $code
    code=0
    rm -f "$work/pipe"
    mkfifo "$work/pipe"
    exec 9<>"$work/pipe"
    head -c 1000 "$work/both.tar" >&9
    start_program "$work/held.log" env --default-signal=INT cup image load -f "$work/pipe" --store "$work/held"
    for _ in $(seq 200); do [ -z "$(find "$work/held/.ingest" -name '*.bundle' 2>/dev/null)" ] || break; sleep 0.05; done
    kill "-$1" "$program_pid"
    wait "$program_pid" || code=$?
}
begin_load INT
holds "t_load__ctrl_c_ends_it" test $code = 130
holds "... and nothing is left" test -z "$(find "$work/held" -name '*.bundle')"
begin_load KILL
expect_exit 0 cup image prune --store "$work/held"
holds "t_load__what_a_killed_one_left_is_swept" test -z "$(find "$work/held" -name '*.bundle')"
exec 9>&-

# --- what is not given -----------------------------------------------------------------------------------------------
expect_exit 3 cup image save nothing:v1 -f "$work/nothing.tar"
holds "what is not in the store is told with where to look" grep -q "cup image list.*cup pull" "$stderr"
holds "no half file is left" test ! -e "$work/nothing.tar" -a ! -e "$work/nothing.tar.part"
exec 8>"$work/busy.tar.part"
flock 8
expect_exit 5 cup image save other:v2 -f "$work/busy.tar"
holds "t_save__two_do_not_write_one_file" grep -q 'another one is writing' "$stderr"
exec 8>&-
expect_exit 0 cup image save other:v2 -f "$work/busy.tar"
expect_exit 2 cup image save other:v2
expect_exit 2 cup image load
expect_exit 3 cup image load -f "$work/no-such-file"
done_testing
