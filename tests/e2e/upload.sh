#!/bin/bash
# Blobs on their way: broken connections, sessions that are lost, registries with a mind of their own. What
# arrives is what was sent, whatever happened in between, and nothing is named before all of it is there.
. "$(dirname "$0")/../support/lib.sh"

pack_big() { # BYTES NAME
    python3 "$CUP_SOURCE_DIR/tests/support/big_module.py" "$1" >"$work/$2.wasm"
    cup pack --wasm "$work/$2.wasm" --definition "$CUP_SOURCE_DIR/examples/flipt/flags.json" --name "$2" -t "$2:v1" >"$work/$2.packed"
}
pack_big 3000000 mid
pack_big 18000000 big

use() { # NAME: the image that the next pushes send
    image=$1:v1
    digest=$(sed 's/.*@//' "$work/$1.packed")
    content=$(cup inspect "$image" -o json | jq -r .content.digest)
    last="PUT digest=sha256%3A${content#sha256:}" # the request that ends the upload of the content layer
}

# The registry has the very bytes, under the name they were pushed to.
arrived() {
    curl -sSf "http://$registry/v2/$1/blobs/$content" | sha256sum | grep -q "^${content#sha256:} " &&
        curl -sSfI "http://$registry/v2/$1/manifests/v1" | tr -d '\r' | grep -qix "docker-content-digest: $digest"
}

# pushed WHAT FAULT…: a push gets through them
pushed() {
    local what=$1
    shift
    start_fault_registry "$@"
    expect_exit 0 cup push "$image" "$registry/t/x:v1" --plain-http
    holds "$what" arrived t/x
}

# refused CODE WHAT FAULT…: a push does not, and its name is not there
refused() {
    local code=$1 what=$2
    shift 2
    start_fault_registry "$@"
    expect_exit "$code" cup push "$image" "$registry/t/x:v1" --plain-http
    holds "$what" test "$(curl -sS -o /dev/null -w '%{http_code}' "http://$registry/v2/t/x/manifests/v1")" = 404
}
ranges() { # of the PATCH requests, in a line
    jq -r 'select(.method == "PATCH") | .headers["content-range"]' "$registry_log" | tr '\n' ' '
}

# --- uploads -----------------------------------------------------------------------------------------------
use mid
for form in absolute relative query; do
    pushed "t_upload__location_that_is_$form" --location "$form"
done

pushed "t_upload__a_put_that_broke" --fault "$last 1 cut_upload 1500000"
holds "... is gone on with where it broke ($(ranges))" grep -qx '1500000-[0-9]* ' <<<"$(ranges)"
holds "... and the user sees it" grep -q 'next try in' "$stderr"
pushed "t_upload__the_answer_was_lost" --fault "$last 1 recode 503"
pushed "t_upload__busy" --fault "$last 1 status 503" --fault "POST uploads 1 status 429"
pushed "t_adv_17_session_lost_on_put" --fault "$last 1 lose_session"
pushed "t_adv_17_not_done_says_202" --fault "$last 1 recode 202"
pushed "t_adv_17_says_another_digest_once" --fault "$last 1 lie_digest"
refused 7 "t_adv_17_always_says_another_digest" --fault "$last * lie_digest"
refused 1 "t_adv_17_always_loses_the_session" --fault "PUT uploads * lose_session"
refused 7 "t_adv_17_manifest_becomes_another" --fault "PUT manifests * status 201" --fault "PUT manifests * lie_digest"
refused 6 "t_adv_18_no_name_without_the_blobs" --fault "$last * status 400"
holds "... and no manifest was sent at all" test "$(requests '.method == "PUT" and (.target | contains("/manifests/"))')" = 0
pushed "t_upload__too_large_at_once" --fault "$last 1 status 413"

use big
pushed "t_upload__chunks_where_the_registry_asks_for_them" --chunk-min 10000000
holds "... of the least size it says ($(ranges))" grep -qx '0-9999999 10000000-[0-9]* ' <<<"$(ranges)"
pushed "t_upload__too_large_at_once_goes_in_chunks" --fault "$last 1 status 413"
holds "... of our size ($(ranges))" grep -qx '0-8388607 8388608-16777215 16777216-[0-9]* ' <<<"$(ranges)"
pushed "t_adv_17_session_lost_on_a_chunk" --chunk-min 10000000 --fault "PATCH uploads 2 lose_session"
pushed "t_upload__a_chunk_that_broke" --chunk-min 10000000 --fault "PATCH uploads 2 cut_upload 3000000"
holds "... is gone on with where it broke ($(ranges))" grep -q ' 13000000-[0-9]* $' <<<"$(ranges)"
pushed "t_upload__another_place_is_wanted" --chunk-min 10000000 --fault "PATCH uploads 2 status 416"
pushed "t_upload__a_chunk_answered_with_201" --chunk-min 10000000 --fault "PATCH uploads * recode 201"
pushed "t_upload__chunks_taken_and_the_blob_refused" --chunk-min 10000000 --fault "PATCH uploads * recode 201" --fault "$last 1 status 400"
holds "... then it goes in one request" test "$(requests ".method == \"PUT\" and .received > 17000000")" = 1
done_testing
