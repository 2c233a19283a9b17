#!/bin/bash
# What is asked of a registry itself: the tags of a repository, and whether it can be used from here.
. "$(dirname "$0")/../support/lib.sh"

compile_guest "$work/hello.wasm" <<<'int main(void) { return 0; }'
jq -n '{apiVersion: "cup.flipt.io/v1alpha1", kind: "ResourceDefinition", metadata: {name: "notes.demo.example"},
    names: {kind: "Note", singular: "note", plural: "notes"},
    spec: {group: "demo.example", versions: {v1: {type: "object"}}}}' >"$work/notes.json"
cup pack --wasm "$work/hello.wasm" --definition "$work/notes.json" -t hello:v1 >/dev/null

# --- tags
start_registry
open_registry=$registry
repo=$registry/team/hello
cup push -q hello:v1 "$repo:1.2.0" "$repo:1.10.0" "$repo:1.2.1-rc.1" "$repo:latest" "$repo:v1.3.0" >/dev/null
lines() { # the output's lines, joined
    paste -sd' ' "$stdout"
}
expect_exit 0 cup registry tags "$repo"
holds "tags are listed, one a line" test "$(lines)" = "1.10.0 1.2.0 1.2.1-rc.1 latest v1.3.0"
expect_exit 0 cup registry tags "$repo" --limit 2
holds "--limit shows the first ones" test "$(lines)" = "1.10.0 1.2.0"
holds "... and how to go on" grep -q '3 more: --last 1.2.0 goes on' "$stderr"
expect_exit 0 cup registry tags "$repo" --last 1.2.0 --limit 2
holds "--last goes on" test "$(lines)" = "1.2.1-rc.1 latest"
expect_exit 0 cup registry tags "$repo" --last 1.2.0-gone
holds "... also behind a tag that is not there" test "$(lines)" = "1.2.1-rc.1 latest v1.3.0"
expect_exit 0 cup registry tags "$repo" --semver '>=1.2'
holds "--semver keeps what fits, by version" test "$(lines)" = "1.2.0 v1.3.0 1.10.0"
expect_exit 0 cup registry tags "$repo" --semver '>=1.2' --last 1.2.5
holds "... --last goes by version then" test "$(lines)" = "v1.3.0 1.10.0"
expect_exit 0 cup registry tags "$repo" --semver '~2'
holds "nothing that fits is no error" test ! -s "$stdout"
expect_exit 0 cup registry tags "$repo" --limit 1 -o json
holds "-o json is one document" jq -se --arg r "$repo" 'length == 1 and .[0] == {repository: $r, tags: ["1.10.0"], last: "1.10.0"}' "$stdout"
expect_exit 3 cup registry tags "$registry/team/none"
expect_exit 2 cup registry tags "$repo:v1"
expect_exit 2 cup registry tags hello
expect_exit 2 cup registry tags "$repo" --limit 0
expect_exit 2 cup registry tags "$repo" --semver four
expect_exit 2 cup registry tag

# --- ping
step() { # name, state: is that so?
    jq -e --arg s "$1" --arg v "$2" 'any(.steps[]; .step == $s and .state == $v)' "$stdout"
}
ping() { # exit code, flags
    expect_exit "$1" cup registry ping "${@:2}" -o json
}
expect_exit 0 cup registry ping "$open_registry"
holds "a step a line" grep -qE '^/v2/ +ok +status 200$' "$stdout"
holds "plain HTTP of this machine is said" grep -qE '^tls +ok +none: plain HTTP' "$stdout"
ping 0 "$open_registry" --scope team/new
holds "pull and push of a repository that is not there yet" jq -e '.ok and ([.steps[] | .state] | unique == ["ok"])' "$stdout"
ping 8 127.0.0.1:1
holds "nobody listens: connect fails" step connect failed
holds "... what follows is skipped" step tls skipped
holds "... and the way out is told" jq -e '.steps[1].hint | test("is a registry running")' "$stdout"
if unshare -rn true 2>/dev/null; then
    expect_exit 8 unshare -rn "$CUP_BIN/cup" registry ping registry.invalid -o json
    holds "a name that does not resolve" step name failed
fi
expect_exit 6 cup registry ping "$open_registry/team"
expect_exit 6 cup registry ping "$open_registry" --scope 'Team'

start_registry_auth robot canary-secret
ping 4 "$registry"
holds "credentials do not go over plain HTTP unasked" step token failed
holds "... --plain-http mends it" jq -e '.steps[5].hint | test("--plain-http")' "$stdout"
ping 4 "$registry" --plain-http
holds "none known: cup login mends it" jq -e '.steps[5].hint | test("cup login")' "$stdout"
holds "the error names the registry, in one or two lines" test "$(wc -l <"$stderr")" -le 2
echo canary-secret | cup login "$registry" -u robot --password-stdin --plain-http -q >/dev/null
ping 0 "$registry" --plain-http --scope team/new
holds "with credentials all steps are ok" jq -e '.ok and .steps[5].message == "as robot"' "$stdout"
holds "an upload that was begun was given up" grep -qE '"DELETE /v2/team/new/blobs/uploads/[^ ]* HTTP/1.1" 204' "$registry_log"

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=story -addext 'subjectAltName=IP:127.0.0.1' \
    -keyout "$work/tls.key" -out "$work/tls.pem" 2>/dev/null
cat >"$work/tls.yml" <<YML
version: 0.1
log: {level: info}
storage: {filesystem: {rootdirectory: $work/tls-data}}
http: {addr: "127.0.0.1:0", tls: {certificate: $work/tls.pem, key: $work/tls.key}}
YML
start_program "$work/tls.log" docker-registry serve "$work/tls.yml"
wait_for "$work/tls.log" 'listening on (127\.0\.0\.1:[0-9]+)'
ping 8 "$found"
holds "an authority that is not known: tls fails" step tls failed
holds "... --ca-file mends it" jq -e '.steps[2].hint | test("--ca-file")' "$stdout"
ping 0 "$found" --ca-file "$work/tls.pem" --scope team/new
holds "... with it all is well" jq -e '.ok and .steps[2].message == "the certificate is trusted"' "$stdout"
ping 1 "$found" --plain-http
holds "plain HTTP to a host that speaks TLS" jq -e '.steps[3] | .state == "failed" and (.hint | test("leave out --plain-http"))' "$stdout"

mkdir "$work/web"
start_program "$work/web.log" python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$work/web"
wait_for "$work/web.log" 'port ([0-9]+)'
expect_exit 1 cup registry ping "127.0.0.1:$found" --plain-http
holds "a web server is no registry" grep -qE '^/v2/ +FAILED +no registry: status 404' "$stdout"
holds "no output held a secret" test "$(grep -c canary "$work/everything" || true)" = 0
done_testing
