#!/bin/bash
# Blobs that are pulled through broken connections, by registries that do not know Range, and over what an
# earlier process left: what arrives is what was asked for, and nothing is left over.
. "$(dirname "$0")/../support/lib.sh"

python3 "$CUP_SOURCE_DIR/tests/support/big_module.py" 18000000 >"$work/big.wasm"
cup pack --wasm "$work/big.wasm" --definition "$CUP_SOURCE_DIR/examples/flipt/flags.json" --name big -t big:v1 >"$work/packed"
content=$(cup inspect big:v1 -o json | jq -r .content.digest)
cup push big:v1 "oci-layout:$work/big-layout:v1" 2>/dev/null >"$work/check.out"
blob="GET blobs/$content"
asked() { # the Range headers of the requests for the content layer, in a line
    jq -r --arg c "$content" 'select(.method == "GET" and (.target | endswith($c))) | .headers.range // "all"' "$registry_log" | tr '\n' ' '
}
sound() { # STORE: every blob is what its name says
    local f
    for f in "$1"/blobs/sha256/*; do
        [ "$(sha256sum <"$f" | cut -d' ' -f1)" = "${f##*/}" ] || { echo "$f is rotten"; return 1; }
    done
}
ingest_is_empty() { [ -z "$(ls "$1/.ingest" 2>/dev/null)" ]; }
pulled() { # WHAT FAULT…
    local what=$1
    shift
    store=$(mktemp -d "$work/store.XXXX")/s
    start_fault_registry --load "t/x=$work/big-layout" "$@"
    expect_exit 0 cup pull "$registry/t/x:v1" --plain-http --store "$store"
    holds "$what" sound "$store"
    holds "... and nothing is left over" ingest_is_empty "$store"
}

pulled "t_download__broken_off_goes_on_with_range" --fault "$blob 1 cut_after 10000000"
holds "... where it broke ($(asked))" grep -qx 'all bytes=[0-9]*- ' <<<"$(asked)"
pulled "t_download__broken_off_twice" --fault "$blob 1 cut_after 5000000" --fault "$blob 2 cut_after 5000000"
pulled "t_download__a_server_that_ignores_range" --fault "$blob 1 cut_after 10000000" --fault "$blob 2 ignore_range"
pulled "t_download__another_part_than_asked_for" --fault "$blob 1 cut_after 10000000" --fault "$blob 2 ignore_range" --fault "$blob 2 recode 206"
holds "... then the whole is asked for ($(asked))" grep -q ' all $' <<<"$(asked)"
pulled "t_download__a_range_is_refused" --fault "$blob 1 cut_after 10000000" --fault "$blob 2 status 416"

# left_behind STORE: a pull that was killed in the middle
left_behind() {
    local store=$1
    start_fault_registry --load "t/x=$work/big-layout" --fault "$blob 1 stall 5000000"
    start_program "$work/killed.log" cup pull "$registry/t/x:v1" --plain-http --store "$store"
    until [ "$(cat "$store"/.ingest/*.part 2>/dev/null | wc -c)" -gt 1000000 ]; do sleep 0.05; done
    kill -9 "$program_pid"
    wait "$program_pid" || true
}

store=$work/store.across
left_behind "$store"
expect_exit 3 cup inspect --local "$registry/t/x:v1" --store "$store"
expect_exit 0 cup pull "$registry/t/x:v1" --plain-http --store "$store"
holds "t_download__another_process_goes_on_where_one_was_killed ($(asked))" grep -qx 'all bytes=[0-9]*- ' <<<"$(asked)"
holds "... to the right bytes" sound "$store"
holds "... and nothing is left over" ingest_is_empty "$store"

store=$work/store.rotten
left_behind "$store"
printf x | dd of="$(echo "$store"/.ingest/*.part)" bs=1 seek=1000 conv=notrunc status=none
expect_exit 0 cup pull "$registry/t/x:v1" --plain-http --store "$store"
holds "t_download__rotten_leftovers_are_begun_anew ($(asked))" sound "$store"

# A blob that has rotted in the store is fetched again.
start_fault_registry --load "t/x=$work/big-layout"
printf x | dd of="$store/blobs/sha256/${content#sha256:}" bs=1 seek=1000 conv=notrunc status=none
expect_exit 0 cup pull "$registry/t/x:v1" --plain-http --store "$store"
holds "t_download__a_rotten_blob_is_fetched_again" sound "$store"
done_testing
