#!/bin/bash
# Keys, signatures, referrers and trust: signed in the store, in a layout and in a registry; with the
# referrers API, with conditions, and with neither; cosign reads ours and we read cosign's.
. "$(dirname "$0")/../support/lib.sh"
cd "$work"

compile_guest hello.wasm <<<'int main(void) { return 0; }'
cat >widgets.json <<'JSON'
{"apiVersion": "cup.flipt.io/v1alpha1", "kind": "ResourceDefinition", "metadata": {"name": "widgets.demo.example"},
 "names": {"kind": "Widget", "singular": "widget", "plural": "widgets"},
 "spec": {"group": "demo.example", "versions": {"v1": {"type": "object"}}}}
JSON
cup pack --wasm hello.wasm --definition widgets.json -t hello:v1 >pinned
# what goes to registries is not signed here
cup pack --wasm hello.wasm --definition widgets.json --annotation is=bare -t bare:v1 >bare
digest=$(sed 's/.*@//' bare)
tag=${digest/:/-}

# --- keys
expect_exit 4 cup image keygen </dev/null
holds "without a terminal the way out is named" grep -q COSIGN_PASSWORD "$stderr"
holds "... and nothing is left" test ! -e cosign.key -a ! -e cosign.pub
export COSIGN_PASSWORD='correct horse'
expect_exit 0 cup image keygen
holds "the key is for its owner alone" test "$(stat -c %a cosign.key)" = 600
holds "it is in cosign's form" grep -qx -e '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----' cosign.key
holds "the public half is one that openssl reads" openssl pkey -pubin -in cosign.pub -noout
cp cosign.key before
expect_exit 5 cup image keygen
holds "a key is not overwritten" cmp before cosign.key
expect_exit 0 cup image keygen --output-key-prefix other -o json
holds "-o json names the files and the key" test "$(jq -r .id "$stdout")" = \
    "sha256:$(openssl pkey -pubin -in other.pub -outform DER | sha256sum | cut -d' ' -f1)"
openssl ecparam -name prime256v1 -genkey -out ec.key
openssl pkcs8 -topk8 -nocrypt -in ec.key -out pkcs8.key
openssl pkey -in ec.key -pubout -out ec.pub
openssl genrsa -out rsa.key 2048 2>/dev/null
openssl pkey -in rsa.key -pubout -out rsa.pub

# --- in the store and in a layout
expect_exit 0 cup image sign --key cosign.key hello:v1
holds "sign prints REF@DIGEST" cmp "$stdout" pinned
expect_exit 0 cup image verify --key cosign.pub hello:v1
holds "verify prints it too" grep -qxF "$(cat pinned)" "$stdout"
expect_exit 7 cup image verify --key other.pub hello:v1
holds "another key does not verify" grep -q 'must be signed by a trusted key' "$stderr"
expect_exit 0 cup image verify --key other.pub --key cosign.pub hello:v1
expect_exit 0 cup image sign --key cosign.key hello:v1
holds "signing again adds nothing" test "$(cup image referrers hello:v1 -o json | jq '.referrers | length')" = 1
COSIGN_PASSWORD=wrong expect_exit 4 cup image sign --key cosign.key hello:v1
holds "a wrong password is told, and not shown" grep -q 'the password is wrong' "$stderr"
for key in ec.key pkcs8.key; do
    cup push bare:v1 "oci-layout:$work/$key.layout:v1" -q >/dev/null
    expect_exit 0 env -u COSIGN_PASSWORD cup image sign --key $key "oci-layout:$work/$key.layout:v1"
    expect_exit 0 cup image verify --key ec.pub "oci-layout:$work/$key.layout:v1"
done
noted=oci-layout:$work/noted:v1
cup push bare:v1 "$noted" -q >/dev/null
for form in bundle simple; do
    expect_exit 0 cup image sign --key cosign.key --format $form -a build=7 -a by=ci "$noted"
    expect_exit 0 cup image verify --key cosign.pub -a by=ci -a build=7 "$noted"
    expect_exit 7 cup image verify --key cosign.pub -a build=8 "$noted"
    holds "t_verify__annotations_must_be_signed_along ($form)" grep -q 'without the annotations that are asked for' "$stderr"
done
expect_exit 6 cup image verify --key cosign.pub -a build "$noted"
expect_exit 0 cup inspect "$noted" -o json
holds "inspect lists the signatures" jq -e '[.signatures[].form] | sort == ["bundle", "simple"]' "$stdout"
expect_exit 0 cup inspect "$noted"
holds "also for people" test "$(grep -c '^Signature  *sha256:[0-9a-f]* *\(bundle\|simple\)$' "$stdout")" = 2
expect_exit 6 cup image sign --key rsa.key hello:v1
holds "t_adv_10_rsa_key: the type is named, and what is wanted" grep -q 'an RSA key; .* P-256' "$stderr"
expect_exit 6 cup image verify --key rsa.pub hello:v1
expect_exit 6 cup image verify --key cosign.key hello:v1
holds "a private key in the place of a public one is named" grep -q 'it is a private key' "$stderr"
expect_exit 2 cup image sign hello:v1
expect_exit 2 cup image sign --key cosign.key --remote hello:v1
expect_exit 2 cup image verify hello:v1
expect_exit 3 cup image sign --key cosign.key hello:none

# --- trust: cupd, from the store alone
mkdir files resources
jq -n '{rules: [{repositories: ["hello"], anyOf: ["cosign.pub", "ec.pub"]}, {repositories: ["free"], accept: true}]}' >store-policy.json
echo '{"rulez": []}' >bad.json
key_id=sha256:$(openssl pkey -pubin -in cosign.pub -outform DER | sha256sum | cut -d' ' -f1)
cupd_flags=(-api-source local -api-local-path "$work/files" -api-data "$work/data")
check() { cupd check "${cupd_flags[@]}" "$@"; }
shown() { cup controller show hello -o json | jq -e --arg key "$key_id" "$1"; }
controller() { # reference, verify
    jq -n --arg ref "$1" --argjson verify "$2" '{apiVersion: "cup.flipt.io/v1alpha1", kind: "Controller", metadata: {name: "hello"},
        spec: {type: "wasm", spec: {image: {reference: $ref, pullPolicy: "Never", verify: $verify}}}}' >resources/controller.json
}
expect_exit 1 check -api-image bare:v1 -api-trust-policy store-policy.json
holds "t_adv_10_cupd_uncovered: what no rule is for is refused" grep -q 'no rule of policy' "$stdout"
expect_exit 1 check -api-image hello:v1 -api-trust-policy bad.json
expect_exit 1 check -api-trust-policy none.json
holds "a policy that cannot be read stops the start" grep -q none.json "$stdout"
expect_exit 1 check -api-image hello:v1 -api-require-signatures
holds "a required signature wants a policy" grep -q 'api-require-signatures wants one' "$stdout"
expect_exit 1 check -api-image hello:v1 -api-require-signatures=yes
expect_exit 0 check -api-image hello:v1
holds "without a policy the start warns" grep -q 'level=WARN msg="Image runs without a signature' "$stdout"
start_cupd "${cupd_flags[@]}" -api-image hello:v1 -api-trust-policy store-policy.json -api-require-signatures
holds "with one the condition is True, and the signer is named" shown '.image.signer == $key
    and (.conditions[] | select(.type == "Verified") | .status) == "True"'
holds "... and nothing warns" test "$(grep -c 'without a signature' "$work/cupd.log" || true)" = 0
stop_cupd
start_cupd "${cupd_flags[@]}" -api-image hello:v1
holds "without one it is Unknown" shown '.image.signer == null and (.conditions[] | select(.type == "Verified") | .status) == "Unknown"'
stop_cupd
controller hello:v1 "{\"keys\": [\"$work/cosign.pub\"]}"
start_cupd "${cupd_flags[@]}" -api-resources "$work/resources"
holds "a Controller's own keys are checked" shown '.image.signer == $key'
stop_cupd
controller hello:v1 "{\"keys\": [\"$work/other.pub\"]}"
expect_exit 1 check -api-resources "$work/resources"
holds "... and another key refuses" grep -q 'must be signed by a trusted key' "$stdout"
controller bare:v1 "{\"keys\": [\"$work/cosign.pub\"]}"
expect_exit 1 check -api-resources "$work/resources"
holds "t_adv_10_cupd_unsigned: it does not start, and says why" grep -q 'there is no signature' "$stdout"
controller hello:v1 '{"key": "cosign.pub"}'
expect_exit 1 check -api-resources "$work/resources"
holds "what is misspelt is not passed over" grep -q 'spec.spec.image.verify must be' "$stdout"

# --- in registries of each kind
try_registry() { # what it is
    local ref=$registry/team/hello:v1 form n i
    expect_exit 0 cup push bare:v1 "$ref" -q
    expect_exit 7 cup image verify --key cosign.pub "$ref"
    holds "t_adv_10_no_signature ($1)" grep -q 'there is no signature' "$stderr"
    expect_exit 0 cup image referrers "$ref"
    for form in bundle simple; do
        expect_exit 0 cup image sign --key cosign.key --format $form -a build=7 --remote "$ref"
        expect_exit 0 cup image sign --key cosign.key --format $form -a build=7 --remote "$ref" -o json
        holds "signing again adds nothing ($1, $form)" jq -e '.isNew == false' "$stdout"
    done
    expect_exit 0 cup image verify --key cosign.pub "$ref" -o json
    holds "both forms are found, with what was signed along ($1)" jq -e '.state == "verified"
        and ([.signatures[] | select(.problem == null and .annotations == {build: "7"}) | .form] | sort) == ["bundle", "simple"]' "$stdout"
    expect_exit 7 cup image verify --key other.pub "$ref" -o json
    holds "what does not count is shown as well ($1)" jq -e '.state == "refused" and .signer == null
        and ([.signatures[].problem] | all(. != null))' "$stdout"
    # several at once
    n=5 pids_here=()
    for i in $(seq $n); do
        echo "report $i" >"report$i.txt"
        cup image attach --artifact-type text/x-report -f "report$i.txt:text/plain" --remote "$ref" -q >"attached$i" 2>&1 &
        pids_here+=($!)
    done
    for i in "${pids_here[@]}"; do wait "$i" || fail "an attachment failed: $(cat attached*)"; done
    expect_exit 0 cup image referrers "$ref" --artifact-type text/x-report -o json
    holds "of $n that attach at once none is lost ($1)" test "$(jq '.referrers | length' "$stdout")" = $n
    holds "... nor a neighbour" cup image verify --key cosign.pub "$ref"
    expect_exit 0 cup image attach --artifact-type text/x-report -f report1.txt:text/plain --remote "$ref"
    holds "an equal artifact is kept once ($1)" test \
        "$(cup image referrers "$ref" --artifact-type text/x-report -o name | wc -l)" = $n
    # what points at what points at it
    local report=$(cup image referrers "$ref" --artifact-type text/x-report -o name | head -1)
    expect_exit 0 cup image sign --key cosign.key --remote "${ref%:v1}@$report"
    expect_exit 0 cup image referrers "$ref" --artifact-type text/x-report -o json
    holds "the signature of an attachment stands below it ($1)" jq -e --arg d "$report" '(.referrers | length) == '$n'
        and [.referrers[] | select(.referrers != []) | .digest] == [$d]
        and [.referrers[].referrers[].artifactType] == ["application/vnd.dev.sigstore.bundle.v0.3+json"]' "$stdout"
    expect_exit 0 cup image referrers "$ref"
    holds "... in the table as well" grep -qE '^  sha256:[0-9a-f]{64} +application/vnd.dev.sigstore' "$stdout"
}
start_registry
plain=$registry
try_registry "docker-registry"
start_fault_registry
try_registry "with the referrers API"
holds "no fallback tag where it is not needed" test "$(requests ".target | endswith(\"/$tag\")")" = 0
start_fault_registry --no-referrers
try_registry "with conditions, without the API"
start_fault_registry --no-referrers --no-etags
try_registry "with neither"

# --- a registry that lists without end
cat >endless.py <<'PY'
import http.server, json, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    pages = 0
    def do_GET(self):
        if "/referrers/" in self.path:
            Handler.pages += 1
            first = Handler.pages * 100
            body = {"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json",
                "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json", "digest": "sha256:%064x" % n, "size": 7}
                for n in range(first, first + 100)]}
            link = "<%s?page=%d>; rel=next" % (self.path.split("?")[0], Handler.pages)
        elif self.path.endswith("/manifests/v1"):
            body, link = json.loads(sys.argv[1]), None
        else:
            self.send_response(404 if self.path != "/v2/" else 200)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", body.get("mediaType", "application/vnd.oci.image.index.v1+json"))
        self.send_header("Content-Length", str(len(text)))
        if link: self.send_header("Link", link)
        self.end_headers()
        self.wfile.write(text)
    do_HEAD = do_GET
    def log_message(self, *_): print(getattr(self, "path", "not HTTP"), flush=True)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("port=%d" % server.server_port, flush=True)
server.serve_forever()
PY
start_program endless.log python3 endless.py "$(skopeo inspect --raw --tls-verify=false "docker://$plain/team/hello:v1")"
wait_for endless.log '^port=([0-9]+)'
expect_exit 7 cup image verify --key cosign.pub "127.0.0.1:$found/team/hello:v1"
holds "t_adv_10_endless_referrers: a limit ends it" grep -q 'more than 1000 referrers' "$stderr"
holds "... after few pages" test "$(grep -c /referrers/ endless.log)" -le 12

# --- cosign, where there is one
registry=$plain
if command -v cosign >/dev/null; then
    # an empty trust root, so that cosign asks nobody for one: a key needs none
    echo '{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}' >root.json
    cosign_flags=(--allow-insecure-registry --allow-http-registry)
    cosign_verify() { # key, form, flags
        local key=$1 form=$2 is_bundle=false
        shift 2
        [ "$form" = simple ] || is_bundle=true
        cosign verify --key "$key" --trusted-root root.json --insecure-ignore-tlog=true --private-infrastructure \
            --new-bundle-format=$is_bundle "${cosign_flags[@]}" "$@"
    }
    cosign_sign() { # form, reference
        local flags=(--tlog-upload=false --new-bundle-format=true)
        [ "$1" = bundle ] || flags=(--tlog-upload=false --new-bundle-format=false)
        # version 3 asks a signing configuration unless told not to
        if cosign sign --help 2>&1 | grep -q use-signing-config; then flags+=(--use-signing-config=false); fi
        cosign sign --yes --key theirs.key "${flags[@]}" "${cosign_flags[@]}" "$2"
    }
    cosign generate-key-pair --output-key-prefix theirs >"$work/cosign.out" 2>&1
    holds "we sign with cosign's key file" cup image sign --key theirs.key hello:v1
    for form in bundle simple; do
        ours=$registry/team/ours-$form:v1 theirs=$registry/team/theirs-$form:v1
        cup push bare:v1 "$ours" -q >/dev/null
        cup image sign --key cosign.key --format $form -a build=7 --remote "$ours" >/dev/null
        holds "cosign verifies our $form, with its annotation" cosign_verify cosign.pub $form -a build=7 "$ours"
        cosign_verify other.pub $form "$ours" >"$work/cosign.out" 2>&1 && fail "cosign takes any key" || true
        holds "... and not with another key" grep -q 'no matching' "$work/cosign.out"
        cup push bare:v1 "$theirs" -q >/dev/null
        holds "cosign signs as $form" cosign_sign $form "${theirs%:v1}@$digest"
        expect_exit 0 cup image verify --key theirs.pub "$theirs" -o json
        holds "we verify cosign's $form" jq -e --arg form $form '.signatures | map(select(.form == $form and .problem == null)) | length == 1' "$stdout"
        expect_exit 7 cup image verify --key cosign.pub "$theirs"
        cup image sign --key cosign.key --format $form --remote "$theirs" >/dev/null
        holds "cosign's $form stays good beside ours" cosign_verify theirs.pub $form "$theirs"
        holds "... and ours is good" cosign_verify cosign.pub $form "$theirs"
    done
else
    echo "# no cosign on PATH: what needs it is left out"
fi

# --- trust: pull
registry=$plain
ref=$registry/team/signed:v1
cup push bare:v1 "$ref" -q >/dev/null
cup push bare:v1 "$registry/team/unsigned:v1" -q >/dev/null
cup image sign --key cosign.key --remote "$ref" >/dev/null
jq -n --arg host "$registry" '{rules: [{repositories: [$host + "/team/*"], anyOf: ["cosign.pub", "ec.pub"]},
    {repositories: [$host + "/free/*", "hello"], accept: true}]}' >policy.json
content=$(cup inspect "$ref" -o json | jq -r .content.digest)
expect_exit 7 cup pull --policy policy.json --store s1 "$registry/team/unsigned:v1"
holds "t_adv_10_pull_unsigned: the refusal says what is missing" grep -q 'must be signed by a trusted key, and there is no signature' "$stderr"
holds "... before the code is fetched" test ! -e "s1/blobs/sha256/${content#sha256:}"
expect_exit 0 cup pull --policy policy.json --store s1 "$ref"
holds "the signature came along: the store's copy verifies by itself" cup image verify --local --store s1 --policy policy.json "$ref"
echo 'not a signature' >sbom.txt
cup image attach --artifact-type text/x-sbom -f sbom.txt --remote "$ref" -q >/dev/null
bundle=application/vnd.dev.sigstore.bundle.v0.3+json
head -c 2000000 /dev/zero >big
expect_exit 0 cup image attach --remote "$ref" --artifact-type $bundle -f big:$bundle
expect_exit 0 cup pull --policy policy.json --store s5 "$ref"
holds "what is no signature by its size stays where it is" test ! -e "s5/blobs/sha256/$(sha256sum <big | cut -d' ' -f1)"
holds "... and the others come along" cup image verify --local --store s5 --policy policy.json "$ref"
gone=$(cup image attach --artifact-type text/x-gone -f sbom.txt --remote "$ref" -q | sed 's/.*@//')
curl -sS -X DELETE "http://$registry/v2/team/signed/manifests/$gone"
expect_exit 0 cup pull --policy policy.json --store s4 "$ref"
holds "t_pull__a_referrer_that_is_gone_is_no_obstacle" cup image verify --local --store s4 --policy policy.json "$ref"
holds "... and what is no signature is not fetched" test ! -e "s4/blobs/sha256/$(sha256sum <sbom.txt | cut -d' ' -f1)"
expect_exit 0 cup image copy -r "$ref" "oci-layout:$work/gone:v1"
holds "copy -r takes the others along and says which one is gone" grep -q "$gone is listed as a referrer of .* and is gone" "$stderr"
cup push bare:v1 "$registry/other/signed:v1" -q >/dev/null
expect_exit 7 cup pull --policy policy.json --store s1 "$registry/other/signed:v1"
cup push bare:v1 "$registry/free/x:v1" -q >/dev/null
expect_exit 7 cup image copy --policy policy.json "$registry/team/unsigned:v1" "oci-layout:$work/copied:v1"
holds "image copy asks the policy that it is given, before anything is written" test ! -e "$work/copied"
expect_exit 0 cup image copy --policy policy.json "$ref" "oci-layout:$work/copied:v1"
expect_exit 0 cup image copy "$registry/team/unsigned:v1" "oci-layout:$work/copied:bare"
expect_exit 0 cup pull --policy policy.json --store s1 "$registry/free/x:v1"
expect_exit 0 cup image verify --policy policy.json "$registry/free/x:v1" -o json
holds "what the policy takes unsigned is not called verified" jq -e '.state == "accepted" and .signer == null' "$stdout"
expect_exit 6 cup pull --policy bad.json --store s2 "$ref"
expect_exit 3 cup pull --policy none.json --store s2 "$ref"
cup push hello:v1 "$registry/team/pushed:v1" -q >/dev/null
expect_exit 0 cup image verify --key cosign.pub "$registry/team/pushed:v1"
mkdir -p "$XDG_CONFIG_HOME/cup"
jq -n --arg host "$registry" --arg key "$work/other.pub" '{rules: [{repositories: [$host + "/**"], allOf: [$key]}]}' >"$XDG_CONFIG_HOME/cup/trust.json"
expect_exit 7 cup pull --store s2 "$ref"
holds "the policy below XDG_CONFIG_HOME counts without a flag" grep -q 'trust.json' "$stderr"
expect_exit 7 cup image verify "$ref"
echo '{' >"$XDG_CONFIG_HOME/cup/trust.json"
expect_exit 6 cup pull --store s2 "$ref"
rm "$XDG_CONFIG_HOME/cup/trust.json"

# --- trust: cupd, from a registry
cupd_flags+=(-api-store "$work/s3")
expect_exit 1 check -api-image "$registry/team/unsigned:v1" -api-trust-policy policy.json
holds "cupd refuses the unsigned one" grep -q 'must be signed by a trusted key' "$stdout"
expect_exit 0 check -api-image "$ref"
start_cupd "${cupd_flags[@]}" -api-image "$ref" -api-trust-policy policy.json -api-require-signatures
holds "a copy from before the policy is fetched again with its signature" shown '.image.signer == $key'
stop_cupd
expect_exit 1 check -api-image "$registry/free/x:v1" -api-trust-policy policy.json -api-require-signatures
controller "$ref" "{\"keys\": [\"$work/cosign.pub\"]}"
expect_exit 0 check -api-resources "$work/resources" -api-trust-policy policy.json
controller "$ref" "{\"keys\": [\"$work/ec.pub\"]}"
expect_exit 1 check -api-resources "$work/resources" -api-trust-policy policy.json

holds "no password in any output" test "$(grep -c 'correct horse' "$work/everything" || true)" = 0
done_testing
