#!/bin/bash
# TLS: a private authority, client certificates, what is not trusted and what is not TLS; nothing goes on in
# the clear by itself, and a certificate is shown to the registry alone. Hardening 11, 13 and 19.
. "$(dirname "$0")/../support/lib.sh"

compile_guest "$work/hello.wasm" <<<'int main(void) { return 0; }'
cup pack --wasm "$work/hello.wasm" --definition "$CUP_SOURCE_DIR/examples/flipt/flags.json" \
    -t "oci-layout:$work/image:v1" >/dev/null
pull() { cup pull "$ref" --store "$work/store-$RANDOM$RANDOM" "$@"; }
layer=$(jq -r '.layers[0].digest' "$work/image/blobs/sha256/$(jq -r '.manifests[0].digest' "$work/image/index.json" | cut -d: -f2)")

# --- an authority and what it says of whom
cd "$work"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.pem -days 1 -subj '/CN=story authority' 2>/dev/null
mkdir authority
: >authority/index.txt
echo 01 >authority/serial
cat >authority/ca.cnf <<CNF
[ca]
default_ca = story
[story]
dir = $work/authority
database = $work/authority/index.txt
serial = $work/authority/serial
new_certs_dir = $work/authority
certificate = $work/ca.pem
private_key = $work/ca.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
CNF
certificate() { # NAME SAN [START END]: NAME.pem and NAME.key
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null
    openssl ca -batch -notext -config authority/ca.cnf -in "$1.csr" -out "$1.pem" -extfile <(echo "subjectAltName=$2") \
        -startdate "${3:-$(date -u -d yesterday +%Y%m%d%H%M%SZ)}" -enddate "${4:-$(date -u -d tomorrow +%Y%m%d%H%M%SZ)}" 2>/dev/null
}
certificate server DNS:localhost,IP:127.0.0.1,DNS:r.test
certificate expired IP:127.0.0.1 20200101000000Z 20200201000000Z
certificate elsewhere DNS:other.example
certificate client DNS:client
openssl pkcs8 -topk8 -v2 aes256 -passout pass:canary -in client.key -out locked.key
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout self.key -out self.pem -days 1 -subj /CN=self -addext subjectAltName=IP:127.0.0.1 2>/dev/null
tls() { # CERTIFICATE ARG…
    local name=$1
    shift
    start_fault_registry --load "team/hello=$work/image" --tls "$name.pem" "$name.key" "$@"
    ref=$registry/team/hello:v1
}

# --- who is trusted
tls server
expect_exit 8 pull
holds "t_adv_19: an authority that is not known is refused, with the reason" grep -qi "TLS with '$registry' failed: .*certificate" "$stderr"
holds "... and the way out" grep -q -- '--ca-file' "$stderr"
holds "t_adv_19: ... and nothing is asked in the clear instead" test "$(requests true)" = 0
expect_exit 0 pull --ca-file ca.pem
expect_exit 0 cup push "oci-layout:$work/image:v1" "$registry/team/again:v1" --ca-file ca.pem
expect_exit 0 pull --insecure-skip-tls-verify
expect_exit 8 pull --ca-file self.pem
for name in expired elsewhere self; do
    tls $name
    expect_exit 8 pull --ca-file ca.pem
    holds "t_adv_19: a certificate that is $name is refused" grep -qi 'certificate' "$stderr"
    holds "t_adv_19: ... before anything is asked" test "$(requests true)" = 0
    expect_exit 0 pull --insecure-skip-tls-verify
done

# --- files that are no good
tls server
expect_exit 3 pull --ca-file none.pem
holds "a file that is not there is named" grep -q "none.pem" "$stderr"
echo nonsense >nonsense.pem
expect_exit 6 pull --ca-file nonsense.pem
expect_exit 2 pull --ca-file ca.pem --cert-file client.pem
expect_exit 2 pull --ca-file ca.pem --insecure-skip-tls-verify

# --- client certificates
# With TLS 1.3 the alert comes behind the handshake, and a reset may overtake it: then it is tried again.
tls server --client-ca ca.pem
expect_exit 8 pull --ca-file ca.pem
holds "a registry that asks for a client certificate is understood" \
    grep -qiE "'$registry' failed: .*(asks for a client certificate|reset|broken pipe|errno|SSL_(read|write))" "$stderr"
holds "... it got no request" test "$(requests true)" = 0
expect_exit 6 pull --ca-file ca.pem --cert-file client.pem --key-file elsewhere.key
expect_exit 6 pull --ca-file ca.pem --cert-file client.pem --key-file locked.key
expect_exit 0 pull --ca-file ca.pem --cert-file client.pem --key-file client.key
tls server --client-ca ca.pem --fault "GET /blobs/$layer * redirect {evil}"
expect_exit 8 pull --ca-file ca.pem --cert-file client.pem --key-file client.key
holds "t_adv_11: a client certificate is not shown where a redirect leads" test "$(requests '.at == "evil"')" = 0
holds "t_adv_11: ... the registry itself saw it" test "$(requests '.at == "good"')" -ge 2
tls server --client-ca ca.pem --auth bearer --anonymous
expect_exit 0 pull --ca-file ca.pem --cert-file client.pem --key-file client.key
holds "it is shown to the token server on the registry's own origin" test "$(requests '.target | test("^/token")')" -ge 1
expect_exit 0 cup registry ping "$registry" --ca-file ca.pem --cert-file client.pem --key-file client.key
holds "ping shows it, too" test "$(requests '.target == "/v2/" and .status == 401')" -ge 1

# --- never down to plain HTTP
tls server --evil-plain --fault "GET /blobs/$layer * redirect {evil}"
expect_exit 4 pull --ca-file ca.pem
holds "t_adv_11: a redirect from https to http is not followed" grep -q 'redirects from https to http' "$stderr"
holds "t_adv_11: ... nobody there was asked" test "$(requests '.at == "evil"')" = 0
tls server --evil-plain --fault '* /v2/ * realm {evil}/token'
expect_exit 4 pull --ca-file ca.pem
holds "t_adv_13: neither is a token asked for over http" grep -q "token realm 'http://.*' not allowed: it is plain HTTP" "$stderr"
holds "t_adv_13: ... nobody there was asked" test "$(requests '.at == "evil"')" = 0

# A registry in the clear: on this machine it is found out, elsewhere it takes --plain-http. r.test is reached
# through a proxy.
start_fault_registry --load "team/hello=$work/image"
ref=$registry/team/hello:v1
expect_exit 0 pull
start_program "$work/proxy.log" python3 "$CUP_SOURCE_DIR/tests/support/proxy.py" http --map "r.test:5000=$registry"
wait_for "$work/proxy.log" '^(127[0-9.:]+)$'
export https_proxy=http://$found http_proxy=http://$found
ref=r.test:5000/team/hello:v1
before=$(requests true)
expect_exit 8 pull
holds "t_adv_19: a registry elsewhere is not asked in the clear by itself" grep -q "'r.test:5000' does not speak TLS (--plain-http allows plain HTTP)" "$stderr"
holds "t_adv_19: ... it got no request" test "$(requests true)" = "$before"
expect_exit 0 pull --plain-http
unset https_proxy http_proxy

# --- values that would end a header line
tls server --auth basic
mkdir docker helpers
export DOCKER_CONFIG=$work/docker
bad_config() { jq -n --arg host "$registry" "{auths: {(\$host): $1}}" >docker/config.json; }
for entry in '{username: "robot", password: "canary\r\nX-Evil: 1"}' '{auth: ("robot:canary\nX" | @base64)}' '{registrytoken: "canary\nX"}'; do
    bad_config "$entry"
    expect_exit 6 pull --ca-file ca.pem
    holds "t_adv_19: a value with a line break is refused ($entry)" grep -q 'holds a line break or NUL' "$stderr"
done
printf '#!/bin/sh\ncat >/dev/null\nprintf %s\n' "'{\"Username\":\"robot\",\"Secret\":\"canary\\\\nX\"}'" >helpers/docker-credential-bad
chmod +x helpers/docker-credential-bad
echo '{"credsStore": "bad"}' >docker/config.json
PATH=$work/helpers:$PATH expect_exit 6 pull --ca-file ca.pem
holds "t_adv_19: ... also from a helper" grep -q 'holds a line break or NUL' "$stderr"
holds "no output held a secret" test "$(grep -v '^{' "$work/everything" | grep -c 'canary' || true)" = 0
done_testing
