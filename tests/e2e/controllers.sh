#!/bin/bash
# Controllers from resource files: by image, by path, and a template beside them; over a repository and
# over a directory; cupd check; an image alone needs no resource files.
. "$(dirname "$0")/../support/lib.sh"

pack_flipt "oci-layout:$work/layout:v1" >/dev/null
definition() { # group plural Kind
    printf '{"apiVersion":"cup.flipt.io/v1alpha1","kind":"ResourceDefinition","metadata":{"name":"%s.%s"},"names":{"kind":"%s","singular":"%s","plural":"%s"},"spec":{"group":"%s","versions":{"v1":{"type":"object","properties":{"spec":{"type":"object","required":["size"]}}}}}}' \
        "$2" "$1" "$3" "${3,,}" "$2" "$1"
}
controller() { # name spec
    printf '{"apiVersion":"cup.flipt.io/v1alpha1","kind":"Controller","metadata":{"name":"%s"},"spec":%s}' "$1" "$2"
}
binding() { # name controller resources
    printf '{"apiVersion":"cup.flipt.io/v1alpha1","kind":"Binding","metadata":{"name":"%s"},"spec":{"controller":"%s","resources":%s}}' "$1" "$2" "$3"
}

res=$work/resources
mkdir -p "$res/sub"
definition demo.example widgets Widget >"$res/widgets.json"
controller files '{"type":"template","spec":{"resource_template":"things/{{ .Namespace }}/{{ .Name }}.json","list_template":"things/{{ .Namespace }}/*.json"}}' >"$res/sub/files.json"
binding widgets files '["demo.example/v1/widgets"]' >"$res/sub/binding.json"
controller flipt "{\"type\":\"wasm\",\"spec\":{\"image\":{\"reference\":\"oci-layout:$work/layout:v1\",\"pullPolicy\":\"Always\"},\"limits\":{\"timeout\":\"5s\"}}}" >"$res/flipt.json"

seed() {
    printf 'namespace: default\nflags:\n- key: contact\n  name: Contact\n  enabled: true\n'
}
widget='{"apiVersion":"demo.example/v1","kind":"Widget","metadata":{"namespace":"default","name":"w","labels":null,"annotations":{}},"spec":{"size":12345678901234567890,"b":1.0,"a":1e400,"nested":{"z":[],"y":{}}}}'

# --- a repository
repo=$work/r.git
seed | new_bare_repo "$repo" features.yml
expect_exit 0 cupd check -api-source git -api-git-repo "$repo" -api-resources "$res" -api-store "$work/store"
start_cupd -api-source git -api-git-repo "$repo" -api-resources "$res" -api-store "$work/store"
cup get flags contact -o json >"$work/out"
holds "the image of a Controller brings its definitions, bound without a Binding" jq -e '.kind == "Flag"' "$work/out"
printf '%s' "$widget" >"$work/w.json"
id=$(cup apply -f "$work/w.json" -o json | jq -r .id)
expect_exit 0 cup proposal merge "$id"
git -C "$repo" show main:things/default/w.json >"$work/file"
holds "numbers and key order stand in the file as they were sent" grep -q '"size": 12345678901234567890' "$work/file"
holds "... 1.0" grep -q '"b": 1.0,' "$work/file"
holds "... 1e400" grep -q '"a": 1e400' "$work/file"
curl -s "$CUP_ADDRESS/apis/demo.example/v1/namespaces/default/widgets/w" >"$work/out"
holds "t_adv_25: and come back unchanged" cmp "$work/out" <(printf '%s\n' "$widget")
expect_exit 0 cup apply -f "$work/out"
holds "putting it back makes no proposal" test -z "$(git -C "$repo" for-each-ref refs/heads/cup)"
curl -s "$CUP_ADDRESS/apis/demo.example/v1/widgets" >"$work/out"
holds "a template lists all namespaces" grep -q '"name":"w"' "$work/out"
cup get flags contact -o json | jq '.spec.description = "new"' >"$work/f.json"
first=$(cup apply -f "$work/f.json" -o json | jq -r .id)
printf '%s' "$widget" | sed 's/"name":"w"/"name":"v"/' >"$work/v.json"
second=$(cup apply -f "$work/v.json" -o json | jq -r .id)
expect_exit 0 cup proposal merge "$first"
expect_exit 0 cup proposal merge "$second"
holds "two controllers' proposals both merge" grep -q 'description: new' <(git -C "$repo" show main:features.yml)
# what somebody else pushes is seen
git clone -q "$repo" "$work/other"
sed 's/Contact/Pushed/' -i "$work/other/features.yml"
git -C "$work/other" commit -qam pushed && git -C "$work/other" push -q
seen() { for _ in $(seq 50); do cup get flags contact -o json | grep -q new && return 0; sleep 0.1; done; return 1; }
pushed() { for _ in $(seq 50); do [ "$(curl -s "$CUP_ADDRESS/apis/demo.example/v1/widgets" | wc -l)" = 2 ] && return 0; sleep 0.1; done; return 1; }
holds "a push from elsewhere is seen" seen
holds "... by templates as well" pushed
holds "git fsck finds nothing" git -C "$repo" fsck --strict --no-dangling
stop_cupd

# --- a directory; the module by path, its definitions from the resources
res=$work/resources-path
mkdir -p "$res/wasm" "$work/dir/ns"
cp "$CUP_FLIPT_WASM" "$res/wasm/flipt.wasm"
cp "$CUP_SOURCE_DIR/examples/flipt/flags.json" "$res/flags.json"
controller by-path '{"type":"wasm","spec":{"path":"wasm/flipt.wasm"}}' >"$res/c.json"
binding flags by-path '["flipt.io/v1alpha1/flags"]' >"$res/b.json"
seed >"$work/dir/features.yml"
start_cupd -api-source local -api-local-path "$work/dir" -api-resources "$res"
cup get flags contact -o json | jq '.spec.description = "local"' >"$work/f.json"
cup apply -f "$work/f.json" -o json >"$work/out"
holds "a local write is done at once: zero id, no proposal" jq -e '.id == "00000000000000000000000000" and .proposal == null' "$work/out"
holds "the file has it" grep -q 'description: local' "$work/dir/features.yml"
holds "nothing staged is left" test -z "$(find "$work/dir" -name '.cup-stage*')"
code=$(curl -s -o "$work/out" -w '%{http_code}' "$CUP_ADDRESS/apis/flipt.io/v1alpha1/namespaces/default/flags?revision=main")
holds "a directory has no revisions: 400 NotVersioned" test "$code $(jq -r .reason "$work/out")" = "400 NotVersioned"
expect_exit 0 cup delete flags contact
expect_exit 3 cup get flags contact
stop_cupd

# --- what does not start says why
broken() { # words, file
    rm -rf "$work/bad"
    cp -r "$res" "$work/bad"
    printf '%s' "$2" >"$work/bad/x.json"
    expect_exit 1 cupd check -api-resources "$work/bad" -api-local-path "$work/dir"
    holds "refused: $1" grep -q -- "$1" "$stdout"
}
broken 'path_template' "$(controller t '{"type":"template","spec":{"path_template":"x"}}')"
broken 'there-is-none' "$(binding t there-is-none '["flipt.io/v1alpha1/flags"]')"
broken 'both' "$(controller t '{"type":"wasm","spec":{"path":"a","image":"b:1"}}')"
broken 'no/such.wasm' "$(controller t '{"type":"wasm","spec":{"path":"no/such.wasm"}}')"
broken 'unexpected APIVersion' '{}'
expect_exit 1 cupd check -api-source git -api-git-repo "$work/nothing" -api-resources "$res"
expect_exit 1 cupd check -api-source wat -api-resources "$res"
holds "an unknown source is refused" grep -q "wat" "$stdout"
done_testing
