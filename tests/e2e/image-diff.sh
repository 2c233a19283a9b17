#!/bin/bash
# cup image diff: what changed between images in a layout, the store, a registry and a directory, what of it
# breaks, and the exit codes of diff(1).
. "$(dirname "$0")/../support/lib.sh"

compile_guest "$work/hello.wasm" <<<'int main(void) { return 0; }'
compile_guest "$work/other.wasm" <<<'#include <stdio.h>
int main(void) { puts("{}"); return 0; }'
definition() { # schema of spec
    jq -n --argjson spec "$1" '{apiVersion: "cup.flipt.io/v1alpha1", kind: "ResourceDefinition", metadata: {name: "widgets.demo.example"},
        names: {kind: "Widget", singular: "widget", plural: "widgets"},
        spec: {group: "demo.example", versions: {v1: {type: "object", properties: {spec: $spec}}}}}'
}
definition '{"type":"object","properties":{"size":{"type":"integer"},"color":{"enum":["red","blue"]}}}' >"$work/old.json"
definition '{"type":"object","properties":{"size":{"type":"number"},"color":{"enum":["red"]},"\u001b[31m":{}},"required":["size"]}' >"$work/new.json"
pack() { cup pack --name hello "$@" >/dev/null; }
pack --wasm "$work/hello.wasm" --definition "$work/old.json" --read 'a/**' -t hello:v1
pack --wasm "$work/other.wasm" --definition "$work/new.json" --read 'a/**' --read 'b/**' --annotation org.example.x=1 -t "oci-layout:$work/layout:v2"

expect_exit 0 cup image diff hello:v1 hello:v1
holds "the same: nothing is said" test ! -s "$stdout"
expect_exit 1 cup image diff hello:v1 "oci-layout:$work/layout:v2"
for line in 'breaking   schema widgets.demo.example/v1: spec.color: value "blue" removed' \
    'breaking   schema widgets.demo.example/v1: spec: required "size" added' \
    'compatible schema widgets.demo.example/v1: spec.size: type "integer" became "number"' \
    'breaking   read b/**: paths widened' \
    'compatible import wasi_snapshot_preview1.fd_write: import added' \
    'compatible annotation org.example.x: added'; do
    holds "it says: $line" grep -qxF "$line" "$stdout"
done
holds "what is not fit for a terminal is escaped" test "$(grep -c $'\e' "$stdout" || true)" = 0
holds "... and counted on stderr" grep -qE '^3 breaking, [0-9]+ compatible$' "$stderr"
expect_exit 1 cup image diff hello:v1 "oci-layout:$work/layout:v2" -o json
holds "-o json is one document with the verdict" jq -se 'length == 1 and .[0].impact == "breaking"
    and ([.[0].differences[] | select(.impact == "breaking")] | length) == 3
    and .[0].from.reference != .[0].to.reference' "$stdout"

# --- through a registry, and a directory
start_registry
cup push hello:v1 "$registry/team/hello:v1" -q >/dev/null
expect_exit 0 cup image diff hello:v1 "$registry/team/hello:v1"
mkdir "$work/dir"
cp "$work/old.json" "$work/dir/"
cp "$work/hello.wasm" "$work/dir/hello.wasm"
cup pack --wasm "$work/hello.wasm" --definition "$work/old.json" -t hello:all >/dev/null
expect_exit 0 cup image diff hello:all "$work/dir"
cp "$work/new.json" "$work/dir/old.json"
expect_exit 1 cup image diff hello:all "$work/dir"
expect_exit 1 cup image diff "$work/dir" hello:all
mkdir "$work/tmp"
TMPDIR=$work/tmp expect_exit 1 cup image diff hello:all "$work/dir"
holds "nothing is left of what was packed to compare" test -z "$(ls -A "$work/tmp")"
TMPDIR=$work/none expect_exit 3 cup image diff hello:all "$work/dir"
holds "... which was in TMPDIR" grep -q "making a temporary directory in '$work/none'" "$stderr"
holds "nothing is left in the directory" test "$(ls "$work/dir" | wc -l)" = 2

# --- errors are above 1
expect_exit 3 cup image diff hello:v1 hello:none
expect_exit 2 cup image diff hello:v1
expect_exit 2 cup image diff hello:v1 "$work/layout"
holds "a layout is not taken for a directory to pack" grep -q 'oci-layout:' "$stderr"
expect_exit 8 cup image diff hello:v1 127.0.0.1:1/a:v1
echo '{}' >"$work/dir/old.json"
expect_exit 6 cup image diff hello:v1 "$work/dir"
done_testing
