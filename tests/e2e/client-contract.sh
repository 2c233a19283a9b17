#!/bin/bash
# The same checks of client and protocol against docker-registry and against our fault registry without
# a fault: so that what the stories of faults show is the fault's doing, and not a fancy of our registry.
. "$(dirname "$0")/../support/lib.sh"

compile_guest "$work/hello.wasm" <<<'int main(void) { return 0; }'
cup pack --wasm "$work/hello.wasm" --definition "$CUP_SOURCE_DIR/examples/flipt/flags.json" --name hello -t hello:v1 >"$work/packed"
digest=$(sed 's/.*@//' "$work/packed")
head -c 300000 /dev/urandom >"$work/blob"
blob=sha256:$(sha256sum <"$work/blob" | cut -d' ' -f1)

# status METHOD PATH [curl flags]: what came back is in $work/status, $work/headers and $work/body
ask() {
    local method=$1 path=$2
    shift 2
    [ "$method" != HEAD ] || set -- -I "$@"
    case $path in http*) ;; *) path=http://$registry$path ;; esac
    curl -sS -X "$method" -o "$work/body" -D "$work/headers" -w '%{http_code}' "$@" "$path" >"$work/status"
}
answers() { # STATUS METHOD PATH [curl flags]
    local wanted=$1
    shift
    ask "$@"
    [ "$(cat "$work/status")" = "$wanted" ] || { echo "$wanted wanted: $(cat "$work/status" "$work/headers" "$work/body")"; return 1; }
}
header() {
    sed -n "s/^$1: \(.*\)\r$/\1/Ip" "$work/headers" | tail -n1
}
location() { # a path, whichever form it has
    header Location | sed "s|^http://$registry||"
}
with_query() {
    case $1 in *\?*) echo "$1&$2" ;; *) echo "$1?$2" ;; esac
}
error_code() {
    [ "$(jq -r '.errors[0].code' "$work/body")" = "$1" ]
}

protocol() {
    local p=/v2/team/raw next manifest config=sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a
    holds "$1: /v2/ is there" answers 200 GET /v2/
    holds "$1: an upload begins" answers 202 POST $p/blobs/uploads/
    next=$(location)
    holds "$1: a chunk" answers 202 PATCH "$next" -H 'Content-Range: 0-99999' --data-binary @<(head -c 100000 "$work/blob") -H 'Content-Type: application/octet-stream'
    holds "$1: it says how far it is" test "$(header Range)" = 0-99999
    next=$(location)
    # docker-registry 2.8 takes any chunk as the next one
    if [ "$1" != docker-registry ]; then
        holds "$1: a chunk out of order is refused" answers 416 PATCH "$next" -H 'Content-Range: 200000-299999' --data-binary @<(tail -c 100000 "$work/blob") -H 'Content-Type: application/octet-stream'
    fi
    holds "$1: a session tells where it stands" answers 204 GET "$next"
    holds "$1: ... the same" test "$(header Range)" = 0-99999
    next=$(location)
    holds "$1: the rest as a stream without a length" answers 202 PATCH "$next" -H 'Transfer-Encoding: chunked' --data-binary @<(tail -c +100001 "$work/blob") -H 'Content-Type: application/octet-stream'
    next=$(location)
    holds "$1: the digest closes it" answers 201 PUT "$(with_query "$next" "digest=$blob")" -H 'Content-Length: 0'
    holds "$1: a wrong digest" answers 202 POST $p/blobs/uploads/
    holds "$1: ... is refused" answers 400 PUT "$(with_query "$(location)" "digest=$config")" --data-binary x -H 'Content-Type: application/octet-stream'
    holds "$1: ... with the code of the specification" error_code DIGEST_INVALID
    holds "$1: a session" answers 202 POST $p/blobs/uploads/
    next=$(location)
    holds "$1: ... can be given up" answers 204 DELETE "$next"
    holds "$1: ... and is gone then" answers 404 GET "$next"
    holds "$1: HEAD of a blob" answers 200 HEAD "$p/blobs/$blob"
    holds "$1: ... its size" test "$(header Content-Length)" = 300000
    holds "$1: ... its digest" test "$(header Docker-Content-Digest)" = "$blob"
    holds "$1: GET of a blob" answers 200 GET "$p/blobs/$blob"
    holds "$1: ... the bytes" cmp "$work/body" "$work/blob"
    holds "$1: a part of it" answers 206 GET "$p/blobs/$blob" -H 'Range: bytes=299990-'
    holds "$1: ... which one" test "$(header Content-Range)" = 'bytes 299990-299999/300000'
    holds "$1: ... its bytes" cmp "$work/body" <(tail -c 10 "$work/blob")
    holds "$1: a part beyond it" answers 416 GET "$p/blobs/$blob" -H 'Range: bytes=300000-'
    holds "$1: a blob of another repository is taken over" answers 201 POST "/v2/team/other/blobs/uploads/?mount=$blob&from=team/raw" -H 'Content-Length: 0'
    holds "$1: ... it is there" answers 200 HEAD "/v2/team/other/blobs/$blob"
    holds "$1: one that is not there begins an upload" answers 202 POST "/v2/team/other/blobs/uploads/?mount=$config&from=team/raw" -H 'Content-Length: 0'
    holds "$1: a blob that is nowhere" answers 404 GET "$p/blobs/$config"
    holds "$1: ... says so" error_code BLOB_UNKNOWN

    jq -cn --arg b "$blob" '{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", artifactType: "application/x",
        config: {mediaType: "application/x", digest: $b, size: 300000}, layers: [{mediaType: "application/x", digest: $b, size: 300000}]}' >"$work/m.json"
    manifest=sha256:$(sha256sum <"$work/m.json" | cut -d' ' -f1)
    local kind='Content-Type: application/vnd.oci.image.manifest.v1+json'
    for tag in v1 v2 v3 v4 v5; do
        holds "$1: PUT of tag $tag" answers 201 PUT "$p/manifests/$tag" -H "$kind" --data-binary "@$work/m.json"
    done
    holds "$1: ... its digest" test "$(header Docker-Content-Digest)" = "$manifest"
    holds "$1: HEAD of a manifest" answers 200 HEAD "$p/manifests/v1" -H "Accept: ${kind#*: }"
    holds "$1: ... its size" test "$(header Content-Length)" = "$(stat -c %s "$work/m.json")"
    holds "$1: GET by digest" answers 200 GET "$p/manifests/$manifest" -H "Accept: ${kind#*: }"
    holds "$1: ... its bytes" cmp "$work/body" "$work/m.json"
    holds "$1: ... its type" test "$(header Content-Type)" = "${kind#*: }"
    holds "$1: a manifest that is not JSON" answers 400 PUT "$p/manifests/bad" -H "$kind" --data-binary '{'
    holds "$1: ... says so" error_code MANIFEST_INVALID
    sed "s/$blob/$config/g" "$work/m.json" >"$work/n.json"
    ask PUT "$p/manifests/bad" -H "$kind" --data-binary "@$work/n.json"
    holds "$1: a manifest of blobs that are not there" error_code MANIFEST_BLOB_UNKNOWN
    holds "$1: no such tag" answers 404 GET "$p/manifests/none"
    holds "$1: ... says so" error_code MANIFEST_UNKNOWN
    holds "$1: the tags" answers 200 GET "$p/tags/list"
    holds "$1: ... all of them" jq -e '.name == "team/raw" and (.tags | sort) == ["v1", "v2", "v3", "v4", "v5"]' "$work/body"
    # docker-registry 2.8 lists all tags at once
    if [ "$1" != docker-registry ]; then
        holds "$1: two tags" answers 200 GET "$p/tags/list?n=2"
        holds "$1: ... the first two" jq -e '.tags == ["v1", "v2"]' "$work/body"
        holds "$1: ... and where the next are" answers 200 GET "$(header Link | sed 's/^<\(.*\)>; rel="next"/\1/')"
        holds "$1: ... these" jq -e '.tags == ["v3", "v4"]' "$work/body"
    fi
    holds "$1: tags of no repository" answers 404 GET /v2/team/none/tags/list
    holds "$1: a manifest is deleted" answers 202 DELETE "$p/manifests/$manifest"
    holds "$1: ... and its tags" answers 404 GET "$p/manifests/v1"
    holds "$1: a blob is deleted" answers 202 DELETE "$p/blobs/$blob"
    holds "$1: ... and gone" answers 404 HEAD "$p/blobs/$blob"
}

client() {
    local ref=$registry/team/hello:v1
    expect_exit 0 cup push hello:v1 "$ref"
    holds "$1: skopeo finds the digest that cup pushed" test "sha256:$(skopeo inspect --raw --tls-verify=false "docker://$ref" | sha256sum | cut -d' ' -f1)" = "$digest"
    expect_exit 0 cup push hello:v1 "$ref"
    expect_exit 0 cup pull "$ref" --store "$work/$1" -d "$work/$1.d"
    holds "$1: what cup pulls is what was packed" cmp "$work/$1.d/controller.wasm" "$work/hello.wasm"
    expect_exit 0 cup inspect "$ref@$digest"
    expect_exit 0 skopeo copy --src-tls-verify=false --dest-tls-verify=false --preserve-digests "docker://$ref" "docker://$registry/team/copy:v1"
    expect_exit 0 cup pull "$registry/team/copy@$digest" --store "$work/$1"
    expect_exit 3 cup pull "$registry/team/hello:none" --store "$work/$1"
    expect_exit 3 cup pull "$registry/none/hello:v1" --store "$work/$1"
}

start_registry
protocol docker-registry
client docker-registry
for form in relative absolute query; do
    start_fault_registry --location $form
    [ $form != relative ] || protocol fault-registry
    client "fault-registry-$form"
done
holds "the log knows each request" test "$(requests '.method == "PUT" and .status == 201')" -gt 5
start_fault_registry --auth basic --user robot --password secret
expect_exit 4 cup push hello:v1 "$registry/team/hello:v1"
mkdir -p "$HOME/.docker"
for mode in basic bearer; do
    start_fault_registry --auth $mode --user robot --password secret
    jq -n --arg host "$registry" --arg auth "$(printf 'robot:secret' | base64)" '{auths: {($host): {auth: $auth}}}' >"$HOME/.docker/config.json"
    expect_exit 0 cup push hello:v1 "$registry/team/hello:v1" --plain-http
    expect_exit 0 cup pull "$registry/team/hello:v1" --plain-http --store "$work/$mode"
done
done_testing
