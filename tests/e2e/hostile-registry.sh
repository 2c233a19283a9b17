#!/bin/bash
# hardening 5, 6, 7, 9: a registry that lies about a good image, that answers without end, or whose words
# are meant for the terminal. Reads are bounded, damage is told by name, nothing of it is kept.
. "$(dirname "$0")/../support/lib.sh"

pack_flipt "oci-layout:$work/good:v1" >/dev/null
SOURCE_DATE_EPOCH=1 pack_flipt "oci-layout:$work/other:v1" >/dev/null
digest=$(jq -r '.manifests[0].digest' "$work/good/index.json")
other=$(jq -r '.manifests[0].digest' "$work/other/index.json")
GIB=1073741824
mkdir -p "$HOME/.docker"

serve() { # FAULT…; the good image is team/flipt:v1
    local faults=() fault
    for fault in "$@"; do faults+=(--fault "$fault"); done
    start_fault_registry --load "team/flipt=$work/good" "${options[@]}" "${faults[@]}"
    registry_pid=$program_pid
}
options=()
stop() {
    kill "$registry_pid"
    wait "$registry_pid" || fail "the evil registry saw a secret"
}
nothing_named() { ! [ -e "$1/index.json" ] || [ "$(jq '.manifests | length' "$1/index.json")" = 0 ]; }
refused() { # WHAT CODE WORDS REFERENCE FAULT…
    local what=$1 code=$2 words=$3 reference=$4 store
    shift 4
    store=$(mktemp -d "$work/store.XXXX")
    serve "$@"
    expect_exit "$code" measured cup pull "$registry/team/flipt$reference" --plain-http --store "$store" -d "$work/unpacked"
    holds "$what: the error says what is wrong" grep -qF -- "$words" "$stderr"
    holds "$what: in plain text of one or two lines" is_plain_text "$stderr"
    holds "$what: ... one or two" test "$(grep -vcE '^(pull sha256:|cup: note|note)' "$stderr")" -le 2
    holds "$what: nothing is named or unpacked" nothing_named "$store"
    holds "$what: ... or unpacked" test ! -e "$work/unpacked"
    holds "$what: memory stays flat" rss_below 64
    stop
    holds "$what: no more was read than is needed" test "$(jq -n '[inputs.sent // 0] | add' "$registry_log")" -lt $((64 << 20))
}

# --- 5: other bytes than those asked for
content=$(jq -r '.layers[0].digest' "$work/good/blobs/sha256/${digest#sha256:}")
for lie in flip "lie_size +1000" "lie_size -1"; do
    refused "t_adv_05_definition_$lie" 7 mismatch "@$digest" "GET /blobs/ * $lie"
    refused "t_adv_05_content_$lie" 7 mismatch "@$digest" "GET /blobs/$content * $lie"
done
body=$work/other/blobs/sha256/${other#sha256:}
refused t_adv_05_other_manifest_by_digest 7 "digest mismatch: asked for $digest" "@$digest" \
    "GET|HEAD /manifests/ * swap $body" "GET|HEAD /manifests/ * lie_digest $digest"
refused t_adv_05_other_manifest_by_tag_and_digest 7 "digest mismatch: asked for $digest" ":v1@$digest" \
    "GET|HEAD /manifests/ * swap $body" "GET|HEAD /manifests/ * lie_digest $digest"
refused t_adv_05_header_lies_about_a_tag 7 'Docker-Content-Digest' :v1 "GET|HEAD /manifests/ * lie_digest $other"
refused t_adv_05_header_is_no_digest 7 'Docker-Content-Digest' :v1 "GET|HEAD /manifests/ * lie_digest ../../x"
refused t_adv_05_header_with_escape 7 'Docker-Content-Digest' :v1 $'GET|HEAD /manifests/ * lie_digest sha256:\e[2J'
refused t_adv_05_flipped_bit_of_a_manifest 7 'digest mismatch' "@$digest" "GET|HEAD /manifests/ * flip"
serve
expect_exit 0 cup pull "$registry/team/flipt:v1@$digest" --plain-http --store "$work/honest"
stop

# --- 6: media types
refused t_adv_06_called_an_index 6 'ambiguous manifest' :v1 "GET /manifests/ * content_type application/vnd.oci.image.index.v1+json"
refused t_adv_06_called_schema_1 6 'ambiguous manifest' "@$digest" \
    "GET /manifests/ * content_type application/vnd.docker.distribution.manifest.v1+prettyjws"
refused t_adv_06_type_with_escape 6 'ambiguous manifest' :v1 $'GET /manifests/ * content_type a/\e[2J'

# --- 7: answers without end
refused t_adv_07_manifest_1_GiB 1 '4194304' :v1 "GET /manifests/ * big $GIB"
refused t_adv_07_manifest_1_GiB_by_digest 1 '4194304' "@$digest" "GET /manifests/ * big $GIB"
refused t_adv_07_blob_1_GiB 7 'mismatch' :v1 "GET /blobs/ * big $GIB"
# of an error the status counts, however long its text is
for status in "400 6 status 400, with a text that is too long" "404 3 in '" "403 4 status 403"; do
    read -r status code words <<<"$status"
    refused "t_adv_07_error_body_of_manifest_$status" "$code" "$words" :v1 "GET /manifests/ * status $status" "GET /manifests/ * big $GIB"
    refused "t_adv_07_error_body_of_blob_$status" "$code" "$words" :v1 "GET /blobs/ * status $status" "GET /blobs/ * big $GIB"
done
refused t_adv_07_error_body_of_401 4 'asks for credentials' :v1 "GET /v2/ * challenge Basic realm=x" "GET /v2/ * big $GIB"
options=(--auth bearer --anonymous)
refused t_adv_07_token_answer 1 'token server' :v1 "GET /token * big $GIB"
refused t_adv_07_token_error_body 4 'token server' :v1 "GET /token * status 403" "GET /token * big $GIB"
options=()
push_refused() { # WHAT CODE FAULT…
    local what=$1 code=$2
    shift 2
    serve "$@"
    expect_exit "$code" measured cup push "oci-layout:$work/other:v1" "$registry/team/new:v1" --plain-http
    holds "$what: memory stays flat" rss_below 64
    stop
    holds "$what: the body is not read to its end" test "$(jq -n '[inputs.sent // 0] | add' "$registry_log")" -lt $((64 << 20))
    holds "$what: no manifest was put" test "$(requests '.method == "PUT" and (.target | contains("/manifests/")) and .status == 201')" = 0
}
push_refused t_adv_07_upload_error_body 6 "POST /uploads/ * status 400" "POST /uploads/ * big $GIB"
push_refused t_adv_07_put_error_body 6 "PUT /uploads/ * status 400" "PUT /uploads/ * big $GIB"
push_refused t_adv_07_manifest_put_error_body 6 "PUT /manifests/ * status 400" "PUT /manifests/ * big $GIB"

# a list whose next page never ends: the same page again, or always another one
jq -nc '{name: "team/flipt", tags: [range(5000) | "v\(.)"]}' >"$work/page"
for target in /v2/team/flipt/tags/list ''; do
    serve "GET /tags/ * swap $work/page" "GET /tags/ * endless_link $target"
    expect_exit 1 measured cup registry tags "$registry/team/flipt" --plain-http
    holds "t_adv_07_tags_without_end: one or two lines" test "$(wc -l <"$stderr")" -le 2
    holds "t_adv_07_tags_without_end: after $(requests true) requests" test "$(requests true)" -lt 100
    stop
done

# --- 9: words of the registry
escape='{"errors":[{"code":"X\u001b[2J","message":"\u001b]0;gone\u0007\r\nok: pushed"}]}'
serve "GET /manifests/ * status 400 $escape"
expect_exit 6 cup pull "$registry/team/flipt:v1" --plain-http --store "$work/words"
holds "t_adv_09_error_message: it is escaped" is_plain_text "$stderr"
holds "t_adv_09_error_message: ... and makes no line of its own" test "$(grep -c '^ok' "$stderr" || true)" = 0
stop
serve $'GET /v2/ * header Warning 299 - "\e[2J\u009b2Jold"' "GET /v2/ * header Warning 299 - \"$(head -c 30000 /dev/zero | tr '\0' x)\""
expect_exit 0 cup pull "$registry/team/flipt:v1" --plain-http --store "$work/words"
holds "t_adv_09_warning: it is escaped" is_plain_text "$stderr"
holds "t_adv_09_warning: ... and short" test "$(wc -c <"$stderr")" -lt 4000
stop
done_testing
