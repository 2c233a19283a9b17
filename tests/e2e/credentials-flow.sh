#!/bin/bash
# Credentials go to the registry and to token servers that it may name, and to nobody else; tokens that
# end are renewed, once. Against the fault registry. Hardening 11, 13 and 16.
. "$(dirname "$0")/../support/lib.sh"

compile_guest "$work/hello.wasm" <<<'int main(void) { return 0; }'
cup pack --wasm "$work/hello.wasm" --definition "$CUP_SOURCE_DIR/examples/flipt/flags.json" \
    -t "oci-layout:$work/image:v1" >/dev/null
image=(--load "team/hello=$work/image")
layer=$(jq -r '.layers[0].digest' "$work/image/blobs/sha256/$(jq -r '.manifests[0].digest' "$work/image/index.json" | cut -d: -f2)")
mkdir -p "$work/docker"
log_in() { # to $registry, as the fault registry's robot
    jq -n --arg host "$registry" --arg auth "$(printf 'robot:canary-password' | base64)" \
        '{auths: {($host): {auth: $auth}}}' >"$work/docker/config.json"
}
export DOCKER_CONFIG=$work/docker
pull() { cup pull "$ref" --store "$work/store-$RANDOM" "$@"; }

# --- credentials go to the registry alone
for to in '{evil}' '{evil}/somewhere/else'; do
    start_fault_registry "${image[@]}" --auth basic --fault "GET /blobs/$layer * redirect $to"
    ref=$registry/team/hello:v1
    log_in
    [ "$to" = '{evil}' ] && wanted=0 || wanted=3
    expect_exit $wanted pull --plain-http
    holds "t_adv_11: the download behind the redirect was asked for ($to)" test "$(requests '.at == "evil"')" = 1
    holds "t_adv_11: ... without credentials" test "$(grep -c evil_saw "$registry_log" || true)" = 0
done
start_fault_registry "${image[@]}" --auth basic
greedy=$registry greedy_log=$registry_log
start_fault_registry "${image[@]}" --auth basic --fault "GET /blobs/$layer * redirect http://$greedy"
ref=$registry/team/hello:v1
log_in
expect_exit 4 pull --plain-http
holds "t_adv_11: a challenge there gets no answer" grep -q 'another host, which asks for credentials' "$stderr"
registry_log=$greedy_log
holds "t_adv_11: ... it was asked once, without credentials" test "$(requests '.headers | has("authorization") | not')" = "$(requests true)"

# --- where a token may be asked for
for realm in http://169.254.169.254/latest/token https://localhost.:1/token file:///etc/passwd \
    https://user:secret@example.com/token '{evil}/token'; do
    start_fault_registry "${image[@]}" --evil-host 127.0.0.3 --fault "* /v2/ * realm $realm"
    ref=$registry/team/hello:v1
    log_in
    expect_exit 4 pull --plain-http
    holds "t_adv_13: the realm is refused ($realm)" grep -qE "token realm '.*' not allowed: " "$stderr"
    holds "t_adv_13: ... and was not asked" test "$(requests '.at == "evil" or (.target | test("token"))')" = 0
done
start_fault_registry "${image[@]}" --auth bearer
ref=$registry/team/hello:v1
log_in
expect_exit 0 pull --plain-http
holds "t_adv_13: a realm on the registry's own host is asked" test "$(requests '.target | test("^/token")')" -ge 1

# --- tokens that end, clocks that are off
for clock in 0 86400 -86400; do
    start_fault_registry --auth bearer --clock-off=$clock --fault 'PUT /blobs/uploads/ 2 expire_token'
    log_in
    expect_exit 0 cup push "oci-layout:$work/image:v1" "$registry/team/hello:v1" --plain-http
    holds "t_adv_16: a token that ends in the middle of a push is renewed (clock off by $clock)" \
        test "$(requests '.target | test("^/token")')" -le 4
done
start_fault_registry "${image[@]}" --auth bearer --fault 'GET /manifests/ * expire_token'
ref=$registry/team/hello:v1
log_in
expect_exit 4 pull --plain-http
holds "t_adv_16: a 401 that stays is one clear error" grep -q 'does not take the credentials for repository:team/hello:pull' "$stderr"
holds "t_adv_16: ... after one renewal" test "$(requests '.target | test("manifests")')" = 2
holds "no output held the password" test "$(grep -c 'canary-password' "$work/everything" || true)" = 0
done_testing
