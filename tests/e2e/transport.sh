#!/bin/bash
# How requests travel: tried again, which is said, given up in the end, broken off by Ctrl-C. Against the
# fault registry. Hardening 14 and 15.
. "$(dirname "$0")/../support/lib.sh"

compile_guest "$work/hello.wasm" <<<'int main(void) { return 0; }'
cup pack --wasm "$work/hello.wasm" --definition "$CUP_SOURCE_DIR/examples/flipt/flags.json" \
    -t "oci-layout:$work/image:v1" >/dev/null
image=(--load "team/hello=$work/image")
layer=$(jq -r '.layers[0].digest' "$work/image/blobs/sha256/$(jq -r '.manifests[0].digest' "$work/image/index.json" | cut -d: -f2)")
fault() { # the registry with that image and these faults
    local f args=()
    for f in "$@"; do args+=(--fault "$f"); done
    start_fault_registry "${image[@]}" "${args[@]}"
    ref=$registry/team/hello:v1
}
pull() { cup pull "$ref" --store "$work/store-$RANDOM" "$@"; }

# --- further tries
fault 'GET /manifests/ 1 cut' 'GET /manifests/ 2 status 429' 'GET /manifests/ 2 retry_after 1' 'GET /blobs/ 1 status 503'
expect_exit 0 pull
holds "t_adv_14: what it waits for is said" grep -qxF "$registry: status 429, next try in 1 s (3 of 6)" "$stderr"
holds "... also of a 503" grep -qE "^$registry: status 503, next try in 0\.[0-9] s \(2 of 6\)" "$stderr"
holds "... and of a connection that breaks" grep -qE "^$registry: the connection broke, next try" "$stderr"

fault 'GET /manifests/ * status 429' 'GET /manifests/ * retry_after 1'
expect_exit 8 pull
holds "t_adv_14: the end says how often it was tried" grep -q 'manifest .*: 429 after 6 attempts' "$stderr"
holds "... in one or two lines" test "$(grep -vc 'next try' "$stderr")" -le 2
holds "... and it was asked six times" test "$(requests '.target | test("manifests")')" = 6

fault 'GET .* 1-3 header Warning 299 - "this registry moves"'
expect_exit 0 pull
holds "a registry's warning is shown" grep -qxF "$registry: warning: this registry moves" "$stderr"
holds "... once" test "$(grep -c 'warning:' "$stderr")" = 1
fault 'GET /manifests/ 1 status 503' 'GET .* * header Warning 299 - "this registry moves"'
expect_exit 0 pull -q
holds "with -q nothing of it is shown" test ! -s "$stderr"

# --- Ctrl-C. A shell gives what runs in the background an ignored SIGINT: env takes that back.
interrupt() { # signal, line to wait for, command: starts it, signals it; its exit is in $code
    local signal=$1 line=$2
    shift 2
    code=0
    start_program "$work/interrupted.log" env --default-signal=INT "$@"
    wait_for "$work/interrupted.log" "$line"
    kill -"$signal" "$program_pid"
    wait "$program_pid" || code=$?
}
# What a later call does not go on with: anything but the layout, its lock and a partial download.
left_over() { find "$1" -type f ! -path '*/blobs/*' ! -name 'oci-layout' ! -name 'index.json' ! -name '*.lock' ! -name '.lock' ! -path '*/.ingest/*'; }
is_unlocked() { local f; for f in $(find "$1" -type f); do flock -n "$f" true || return 1; done; }

for signal in INT TERM; do
    fault 'GET /blobs/ * status 503' 'GET /blobs/ * retry_after 1000000000000'
    interrupt $signal 'next try in 60 s' cup pull "$ref" --store "$work/store-$signal"
    holds "t_adv_15: SIG$signal ends a wait with 130" test $code = 130
    holds "t_adv_15: ... in one line" test "$(grep -c '^cup: .*interrupted' "$work/interrupted.log")" = 1
    holds "t_adv_15: ... no temporary file stays" test -z "$(left_over "$work/store-$signal")"
    holds "t_adv_15: ... no lock either" is_unlocked "$work/store-$signal"
    fault
    expect_exit 0 cup pull "$ref" --store "$work/store-$signal"
done

wait_for_request() { # until the fault registry got one whose target matches
    local try
    for try in $(seq 1 400); do
        [ "$(requests ".target | test(\"$1\")")" -gt 0 ] && return
        sleep 0.02
    done
    fail "no request for $1"
}
for kind in 'stall 10' 'drip 1'; do
    fault "GET $layer * $kind"
    code=0
    start_program "$work/interrupted.log" env --default-signal=INT cup pull "$ref" --store "$work/store-${kind%% *}"
    wait_for_request "$layer"
    kill -INT "$program_pid"
    wait "$program_pid" || code=$?
    holds "t_adv_15: Ctrl-C ends a transfer that does not get on ($kind)" test $code = 130
    holds "t_adv_15: ... no temporary file stays" test -z "$(left_over "$work/store-${kind%% *}")"
    holds "t_adv_15: ... no lock either" is_unlocked "$work/store-${kind%% *}"
done

# A credential helper that hangs is waited for; the second Ctrl-C does not wait.
mkdir "$work/helpers" "$work/with-helper"
printf '#!/bin/sh\necho asked >>%q\nexec sleep 20\n' "$work/asked" >"$work/helpers/docker-credential-slow"
chmod +x "$work/helpers/docker-credential-slow"
echo '{"credsStore": "slow"}' >"$work/with-helper/config.json"
fault 'GET /v2/ * challenge Basic realm="x"'
code=0
: >"$work/asked"
start_program "$work/interrupted.log" env --default-signal=INT PATH="$work/helpers:$PATH" DOCKER_CONFIG="$work/with-helper" \
    cup pull "$ref" --plain-http --store "$work/store-twice"
wait_for "$work/asked" '^asked'
kill -INT "$program_pid"
kill -INT "$program_pid"
sleep 0.2
kill -INT "$program_pid" 2>/dev/null || true
wait "$program_pid" || code=$?
holds "a second Ctrl-C ends it at once" test $code = 130

# --- standing still: one try is given up, the next one goes through
for kind in 'stall 10' stall_headers 'drip 0.5'; do
    fault "GET /manifests/ 1 $kind"
    expect_exit 0 pull --timeout 600ms
    holds "t_adv_15: an answer that stands still is given up and asked for again ($kind)" \
        grep -qE "^$registry: no answer in time, next try" "$stderr"
done
fault 'GET /manifests/ * endless_headers'
expect_exit 1 pull
holds "t_adv_15: headers without an end are refused" grep -q 'header of the answer is larger than' "$stderr"

done_testing
