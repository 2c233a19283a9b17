#!/bin/bash
# Signing in: Basic credentials, tokens of a token server, identity tokens, credential helpers, podman's
# files; what is kept where, and that no secret shows up anywhere else.
. "$(dirname "$0")/../support/lib.sh"

password=canary-pass:w%rd
compile_guest "$work/hello.wasm" <<<'int main(void) { return 0; }'
jq -n '{apiVersion: "cup.flipt.io/v1alpha1", kind: "ResourceDefinition", metadata: {name: "notes.demo.example"},
    names: {kind: "Note", singular: "note", plural: "notes"},
    spec: {group: "demo.example", versions: {v1: {type: "object"}}}}' >"$work/notes.json"
cup pack --wasm "$work/hello.wasm" --definition "$work/notes.json" -t hello:v1 >/dev/null
config=$HOME/.docker/config.json
login() { # password, flags
    printf '%s\n' "$1" | cup login "${@:2}" --password-stdin
}
mode() {
    stat -c %a "$1"
}

# --- Basic
start_registry_auth robot "$password"
basic=$registry
expect_exit 4 login wrong "$basic" -u robot --plain-http
holds "a wrong password is said to be wrong" grep -q "does not take the credentials$" "$stderr"
holds "a wrong password is not kept" test ! -e "$config"
expect_exit 4 login "$password" "$basic" -u robot
holds "credentials do not go over plain HTTP that nobody asked for" grep -q -- '--plain-http' "$stderr"
expect_exit 2 login "$password" "$basic" --plain-http
expect_exit 6 login '' "$basic" -u robot --plain-http
expect_exit 6 login "$password" "$basic/team" -u robot
expect_exit 6 login "$password" "http://$basic" -u robot
expect_exit 4 cup login "$basic" -u robot --plain-http
holds "without a terminal it says how to give the password" grep -q -- '--password-stdin' "$stderr"
expect_exit 2 cup login "$basic" -u robot -p x
expect_exit 8 login "$password" 127.0.0.1:1 -u robot --plain-http
t_adv_19_values() {
    expect_exit 6 login "$(printf 'two\nlines')" "$basic" -u robot --plain-http
    expect_exit 6 login "$password" "$basic" -u $'rob\not' --plain-http
    expect_exit 6 login "$password" "$basic" -u rob:ot --plain-http
    printf 'a\0b' >"$work/nul"
    expect_exit 6 cup login "$basic" -u robot --plain-http --password-stdin <"$work/nul"
    holds "t_adv_19 values with CR, LF or NUL are refused and nothing is kept" test ! -e "$config"
}
t_adv_19_values
expect_exit 0 login "$password" "$basic" -u robot --plain-http
holds "it says who and where" grep -qx "signed in to $basic as robot; the password is kept in $config" "$stdout"
holds "... and that it is unencrypted there" grep -q 'unencrypted' "$stderr"
holds "the file is the user's alone" test "$(mode "$config") $(mode "$HOME/.docker")" = "600 700"
holds "it is docker's form" test "$(jq -r --arg h "$basic" '.auths[$h].auth' "$config" | base64 -d)" = "robot:$password"
expect_exit 0 cup push hello:v1 "$basic/team/hello:v1" --plain-http
expect_exit 0 skopeo inspect --raw --tls-verify=false "docker://$basic/team/hello:v1"
expect_exit 0 cup logout "$basic"
holds "logout removes it" test "$(jq -c .auths "$config")" = '{}'
expect_exit 0 cup logout "$basic"
holds "... and a second one says so" grep -qx "not signed in to $basic" "$stdout"
expect_exit 4 cup push hello:v1 "$basic/team/hello:v2" --plain-http

# --- a file of others keeps what is theirs
mkdir "$work/theirs"
cat >"$work/theirs/real.json" <<JSON
{
	"HttpHeaders": {"User-Agent": "X\/1"}, "psFormat": "table {{.ID}} \u00e4",
	"auths": {
		"z.example": {"auth": "eDp5", "email": "a@b"},
		"https://$basic/v1/": {"auth": "b2xkOm9sZA==", "email": "r@example"},
		"a.example": {}
	},
	"number": 1.50, "credHelpers": {"other.example": "none"}
}
JSON
ln -s real.json "$work/theirs/config.json"
cp "$work/theirs/real.json" "$work/before.json"
export DOCKER_CONFIG=$work/theirs
expect_exit 0 login "$password" "$basic" -u robot --plain-http
holds "a symbolic link stays one" test -L "$work/theirs/config.json"
holds "order, spelling and unknown members stay" cmp \
    <(sed -E 's/("auth": ")[^"]*"/\1"/; /"email": "r/d' "$work/before.json" | grep -v 'https://\|^.."a.ex\|z.example') \
    <(sed -E '/"https:/,/^\t\t}/d' "$work/theirs/real.json" | grep -v '^.."a.ex\|z.example')
holds "... of the entry too" test "$(jq -c ".auths | keys_unsorted, .[\"https://$basic/v1/\"].email" "$work/theirs/real.json" | tr -d '\n')" \
    = "[\"z.example\",\"https://$basic/v1/\",\"a.example\"]\"r@example\""
holds "... with the new password" test "$(jq -r ".auths[\"https://$basic/v1/\"].auth" "$work/theirs/real.json" | base64 -d)" = "robot:$password"
expect_exit 0 cup logout "$basic" -o json
holds "logout -o json is one document" jq -e ".removed and .registry == \"$basic\"" "$stdout"
holds "... and leaves the others" test "$(jq -c '.auths | keys_unsorted' "$work/theirs/real.json")" = '["z.example","a.example"]'
echo '{"auths": [canary' >"$work/theirs/real.json"
expect_exit 6 login "$password" "$basic" -u robot --plain-http
holds "a file that does not parse is left as it is" grep -qx '{"auths": \[canary' "$work/theirs/real.json"
unset DOCKER_CONFIG

# --- a credential helper
mkdir "$work/bin" "$work/ring"
cat >"$work/bin/docker-credential-ring" <<SH
#!/bin/sh
# a key ring of files; what it is called with is noted, what it complains about holds a secret
echo "\$@" >>"$work/ring.args"
ring=$work/ring
SH
cat >>"$work/bin/docker-credential-ring" <<'SH'
case $1 in
store) input=$(cat); name=$(echo "$input" | jq -r .ServerURL | tr / _); echo "$input" >"$ring/$name" ;;
get) name=$(tr / _); [ -e "$ring/$name" ] || { echo "credentials not found in native keychain"; exit 1; }
    cat "$ring/$name" ;;
erase) name=$(tr / _); [ -e "$ring/$name" ] || { echo "credentials not found in native keychain"; exit 1; }
    rm "$ring/$name" ;;
list) echo "canary-list" >&2; exit 1 ;;
esac
SH
chmod +x "$work/bin/docker-credential-ring"
export PATH=$work/bin:$PATH
echo '{"credsStore": "ring"}' >"$config"
expect_exit 0 login "$password" "$basic" -u robot --plain-http
holds "a configured helper keeps it" grep -q 'the password is kept in docker-credential-ring' "$stdout"
holds "... and the file only that there is one" test "$(jq -c .auths "$config")" = "{\"$basic\":{}}"
holds "... which is no reason for a note" test "$(grep -c unencrypted "$stderr" || true)" = 0
expect_exit 0 cup push hello:v1 "$basic/team/hello:v3" --plain-http
expect_exit 0 cup logout "$basic"
holds "logout erases it there" test -z "$(ls "$work/ring")"
holds "the helper was called without secrets" test "$(sort -u "$work/ring.args" | tr '\n' ' ')" = "erase get store "
printf '#!/bin/sh\necho "%s" >&2; echo "%s"; exit 1\n' "$password" "$password" >"$work/bin/docker-credential-broken"
chmod +x "$work/bin/docker-credential-broken"
jq -n --arg h "$basic" '{credHelpers: {($h): "broken"}}' >"$config"
expect_exit 1 login "$password" "$basic" -u robot --plain-http
holds "a helper that fails is named" grep -q 'docker-credential-broken' "$stderr"
expect_exit 1 cup push hello:v1 "$basic/team/hello:v3" --plain-http
rm "$config"

# --- podman's files
mkdir -p "$work/run/containers"
jq -n --arg h "$basic" --arg a "$(printf 'robot:%s' "$password" | base64 -w0)" '{auths: {($h): {auth: $a}}}' >"$work/run/containers/auth.json"
XDG_RUNTIME_DIR=$work/run expect_exit 0 cup push hello:v1 "$basic/team/hello:v4" --plain-http
XDG_RUNTIME_DIR=$work/run expect_exit 0 cup logout "$basic"
holds "podman's credentials stay, and it says so" grep -q "'$work/run/containers/auth.json' still has credentials" "$stderr"
REGISTRY_AUTH_FILE=$work/run/containers/auth.json expect_exit 0 cup push hello:v1 "$basic/team/hello:v5" --plain-http
REGISTRY_AUTH_FILE=$work/none.json XDG_RUNTIME_DIR=$work/run expect_exit 4 cup push hello:v1 "$basic/team/hello:v6" --plain-http
echo '{}' >"$work/empty.json"
XDG_RUNTIME_DIR=$work/run expect_exit 4 cup push hello:v1 "$basic/team/hello:v6" --plain-http --registry-config "$work/empty.json"
jq --arg h "$basic" '.auths = {($h): {auth: "eDp5"}, ($h + "/team"): .auths[$h]}' "$work/run/containers/auth.json" >"$work/by-repository.json"
expect_exit 0 cup push hello:v1 "$basic/team/hello:v6" --plain-http --registry-config "$work/by-repository.json"
expect_exit 4 cup push hello:v1 "$basic/other/hello:v6" --plain-http --registry-config "$work/by-repository.json"

# --- a token server
start_token_server() { # flags; $tokens is its folder, $registry takes its tokens
    tokens=$(mktemp -d "$work/tokens.XXXX")
    python3 "$CUP_SOURCE_DIR/tests/support/token_server.py" "$tokens" --make
    printf 'robot:%s\nguest:canary-guest\n' "$password" >"$tokens/users"
    echo canary-refresh >"$tokens/refresh"
    start_program "$tokens.log" python3 "$CUP_SOURCE_DIR/tests/support/token_server.py" "$tokens" "$@"
    wait_for "$tokens.log" 'token server on ([0-9.:]+)'
    serve_registry <<<"auth: {token: {realm: 'http://$found/token', service: story, issuer: story, rootcertbundle: $tokens/root.pem}}"
}
asked() { # a jq condition: was there such a request?
    jq -se "any(.[]; $1)" "$tokens/log"
}
start_token_server
expect_exit 4 login wrong "$registry" -u robot --plain-http
expect_exit 0 login "$password" "$registry" -u robot --plain-http -o json
holds "login -o json is one document" jq -se 'length == 1 and .[0].checked and .[0].user == "robot" and .[0].kept.as == "password"' "$stdout"
expect_exit 0 cup push hello:v1 "$registry/team/hello:v1" --plain-http
holds "Bearer: the token is asked for by GET with Basic credentials" asked '.method == "GET" and .user == "robot" and (.scopes | index("repository:team/hello:pull,push"))'
expect_exit 4 cup push hello:v1 "$registry/private/hello:v1" --plain-http
holds "what is not granted is named" grep -q "push" "$stderr"
expect_exit 0 cup logout "$registry"
expect_exit 4 cup pull "$registry/team/hello:v1" --plain-http

start_token_server --refresh
expect_exit 0 login "$password" "$registry" -u robot --plain-http
holds "a refresh token is kept instead of the password" grep -q 'an identity token is kept in' "$stdout"
holds "... as docker does" test "$(jq -r --arg h "$registry" '.auths[$h] | .identitytoken, .auth' "$config" | tr '\n' ' ')" = "rt-robot-canary-refresh cm9ib3Q6 "
: >"$tokens/log"
expect_exit 0 cup push hello:v1 "$registry/team/hello:v1" --plain-http
holds "the token is asked for by POST with it" asked '.method == "POST" and .grant == "refresh_token" and .user == "robot"'
expect_exit 0 cup pull "$registry/team/hello:v1" --plain-http
jq -n --arg h "$registry" '{credHelpers: {($h): "ring"}}' >"$config"
expect_exit 0 login "$password" "$registry" -u robot --plain-http
holds "a helper gets it under the user <token>" jq -e '.Username == "<token>"' "$work/ring/$registry"
expect_exit 0 cup pull "$registry/team/hello:v1" --plain-http --store "$work/other"

start_token_server --refresh --no-post
expect_exit 0 login "$password" "$registry" -u robot --plain-http
holds "a refresh token that does not do is not kept" grep -q 'the password is kept in' "$stdout"
expect_exit 0 cup push hello:v1 "$registry/team/hello:v1" --plain-http

# --- no registry that asks for anything
start_registry
expect_exit 0 login "$password" "$registry" -u robot --plain-http
holds "what could not be tried is said" grep -q 'asks for no credentials' "$stderr"

t_adv_19_no_secret_in_outputs() {
    holds "t_adv_19 no output held a secret" test "$(grep -c canary "$work/everything" || true)" = 0
    holds "t_adv_19 no temporary file stayed behind" test -z "$(find "$HOME" "$work/theirs" -name '*.tmp')"
}
t_adv_19_no_secret_in_outputs
done_testing
