#!/bin/bash
# Proxies of the environment: CONNECT and plain HTTP, SOCKS5 with the name resolved here or there,
# no_proxy, credentials that nobody sees, and nothing for this machine through any of them.
. "$(dirname "$0")/../support/lib.sh"

compile_guest "$work/hello.wasm" <<<'int main(void) { return 0; }'
cup pack --wasm "$work/hello.wasm" --definition "$CUP_SOURCE_DIR/examples/flipt/flags.json" \
    -t "oci-layout:$work/image:v1" >/dev/null
pull() { cup pull "$@" --store "$work/store-$RANDOM$RANDOM"; }

# A registry with TLS that only the proxy knows the way to: r.test does not exist.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" -days 1 -subj /CN=r.test \
    -addext 'subjectAltName=DNS:r.test,IP:127.0.0.1' 2>/dev/null
start_fault_registry --load "team/hello=$work/image" --tls "$work/cert.pem" "$work/key.pem" --auth basic
tls=$registry
start_fault_registry --load "team/hello=$work/image"
plain=$registry
mkdir "$work/docker"
jq -n --arg auth "$(printf 'robot:canary-password' | base64)" '{auths: {"r.test": {auth: $auth}}}' >"$work/docker/config.json"
export DOCKER_CONFIG=$work/docker

start_proxy() { # kind, ARG…: $proxy is host:port, $proxy_log its log
    proxy_log=$(mktemp "$work/proxy.XXXX")
    start_program "$proxy_log" python3 "$CUP_SOURCE_DIR/tests/support/proxy.py" "$@" \
        --map "r.test:443=$tls" --map "r.test:80=$plain" --map "r.test:5000=$plain"
    wait_for "$proxy_log" '^(127[0-9.:]+)$'
    proxy=$found
}
asked() { grep -cF -- "$1" "$proxy_log" || true; }

start_proxy http
expect_exit 8 pull r.test/team/hello:v1 --ca-file "$work/cert.pem"
export https_proxy=http://$proxy http_proxy=$proxy
expect_exit 0 pull r.test/team/hello:v1 --ca-file "$work/cert.pem"
holds "https goes through the proxy by CONNECT" test "$(asked 'CONNECT r.test:443')" -ge 1
holds "... which sees no credentials of the registry" test "$(asked SAW)" = 0
expect_exit 0 pull r.test:5000/team/hello:v1 --plain-http
holds "plain HTTP is asked of the proxy" test "$(asked 'GET http://r.test:5000/v2/team/hello/manifests/v1')" = 1
expect_exit 0 cup registry ping r.test --ca-file "$work/cert.pem"
holds "ping goes that way, too" grep -q 'r.test' "$stdout"
DOCKER_CONFIG=$work/docker-login expect_exit 0 cup login r.test -u robot --password-stdin --ca-file "$work/cert.pem" <<<canary-password
holds "... and login" jq -e '.auths["r.test"].auth' "$work/docker-login/config.json"
before=$(wc -l <"$proxy_log")
expect_exit 0 pull "$plain/team/hello:v1"
expect_exit 0 pull "localhost:${plain##*:}/team/hello:v1"
holds "nothing for this machine goes through a proxy" test "$(wc -l <"$proxy_log")" = "$before"
for no in r.test .test '*' 'a.test, r.test:443'; do
    no_proxy=$no expect_exit 8 pull r.test/team/hello:v1 --ca-file "$work/cert.pem"
    holds "no_proxy=$no goes by itself, and finds nobody" grep -q "name of 'r.test:443' does not resolve" "$stderr"
done
NO_PROXY=s.test expect_exit 0 pull r.test/team/hello:v1 --ca-file "$work/cert.pem"

# --- the proxy's own credentials
unset https_proxy http_proxy
start_proxy http --user 'us:canary%2Fpassword'
https_proxy=http://$proxy expect_exit 8 pull r.test/team/hello:v1 --ca-file "$work/cert.pem"
holds "a proxy that wants credentials is named" grep -q "the proxy '$proxy' does not let us to 'r.test:443': status 407" "$stderr"
holds "... and asked once" test "$(asked DENIED)" = 1
https_proxy=http://us:wrong-canary@$proxy expect_exit 8 pull r.test/team/hello:v1 --ca-file "$work/cert.pem"
start_proxy http --user 'us:canary-password'
https_proxy=http://us:canary-password@$proxy expect_exit 0 pull r.test/team/hello:v1 --ca-file "$work/cert.pem" -l debug
https_proxy=http://us:canary-password@127.0.0.1:1 expect_exit 8 pull r.test/team/hello:v1
holds "a proxy that is not there is named" grep -q "proxy '127.0.0.1:1'" "$stderr"
for bad in ftp://us:canary-password@p.test 'http://us:canary-password@p.test:port' 'http://us:canary-password@p.test:99999' '://canary-password'; do
    all_proxy=$bad expect_exit 6 pull r.test/team/hello:v1
done
start_proxy http --refuse 403
https_proxy=$proxy expect_exit 8 pull r.test/team/hello:v1
holds "a proxy that refuses is not asked again" test "$(asked CONNECT)" = 1

# --- SOCKS
start_proxy socks
all_proxy=socks5h://$proxy expect_exit 0 pull r.test/team/hello:v1 --ca-file "$work/cert.pem"
holds "socks5h: the proxy resolves the name" test "$(asked 'SOCKS name r.test:443')" -ge 1
ALL_PROXY=socks5://$proxy expect_exit 8 pull r.test/team/hello:v1 --ca-file "$work/cert.pem"
holds "socks5: it is resolved here" test "$(asked 'SOCKS name')" = "$(asked 'SOCKS name r.test:443')"
start_proxy socks --user 'us:canary-password'
all_proxy=socks5h://us:canary-password@$proxy expect_exit 0 pull r.test/team/hello:v1 --ca-file "$work/cert.pem"
all_proxy=socks5h://us:wrong-canary@$proxy expect_exit 8 pull r.test/team/hello:v1 --ca-file "$work/cert.pem"

# --- cupd pulls through it too
start_proxy http
new_bare_repo "$work/r.git" a.txt <<<hello
code=0
http_proxy=http://$proxy cupd check -api-source git -api-git-repo "$work/r.git" -api-image r.test:5000/team/hello:v1 \
    -api-plain-http r.test:5000 -api-store "$work/cupd-store" -api-data "$work/cupd-data" >"$work/cupd-check.out" 2>&1 || code=$?
holds "cupd pulls through the proxy" test "$(asked 'GET http://r.test:5000/v2/team/hello/manifests/v1')" = 1

holds "no output held a password" test "$(grep -c 'canary' "$work/everything" || true)" = 0
done_testing
