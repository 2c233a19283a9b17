#!/bin/bash
# Images that other WASM tools pushed: which layout they have is told, they are pulled, unpacked and pushed
# on, and cupd serves with them; what is no module of a controller is refused with what it is.
. "$(dirname "$0")/../support/lib.sh"

tool=$CUP_SOURCE_DIR/tests/support/other_images.py
mkdir "$work/cases"
python3 "$tool" make "$work/cases" "$CUP_FLIPT_WASM"
holds "the cases are there" test -s "$work/cases/cases.tsv"

nothing_named() { ! [ -e "$1/index.json" ] || [ "$(jq '.manifests | length' "$1/index.json")" = 0 ]; }
while IFS=$'\t' read -r name code words; do
    ref=oci-layout:$work/cases/$name:v1
    store=$work/store-$name
    expect_exit "$code" cup pull "$ref" -q --store "$store" -d "$work/unpacked-$name"
    if [ "$code" = 0 ]; then
        holds "$name: the module is unpacked as it was" cmp "$work/unpacked-$name/controller.wasm" "$CUP_FLIPT_WASM"
        expect_exit 0 cup inspect "$ref" -o json
        holds "$name: inspect says which layout it is, and names it" jq -e --arg layout "$words" --arg name "$name" \
            '.layout == $layout and .name == $name and .definitions == []' "$stdout"
    else
        holds "$name: the error says what it is" grep -qF -- "$words" "$stderr"
        holds "$name: nothing is named in the store" nothing_named "$store"
        holds "$name: no file is left" test ! -e "$work/unpacked-$name"
    fi
done <"$work/cases/cases.tsv"
expect_exit 6 cup inspect "oci-layout:$work/cases/cncf-component:v1"
holds "a component is known before its layer is fetched" grep -q 'os wasip2' "$stderr"
expect_exit 6 cup inspect "oci-layout:$work/cases/helm:v1"

# --- through a registry, as it was
start_registry
expect_exit 0 cup push "oci-layout:$work/cases/kwctl:v1" "$registry/team/policy:v1" -q
expect_exit 0 cup pull "$registry/team/policy:v1" -q --store "$work/again"
holds "what is pushed on keeps its digest" test "$(jq -r '.manifests[0].digest' "$work/again/index.json")" = "$(jq -r '.manifests[0].digest' "$work/cases/kwctl/index.json")"
expect_exit 0 cup inspect "$registry/team/policy:v1"
holds "its name is the repository's last part" grep -qE '^Controller +policy$' "$stdout"
holds "... its layout is said" grep -qE '^Layout +wasm image of kwctl' "$stdout"

# --- cupd: definitions and binding from resources, the code from such an image
mkdir "$work/resources"
cp "$CUP_SOURCE_DIR/examples/flipt/flags.json" "$work/resources/"
jq -n --arg ref "$registry/team/policy:v1" '{apiVersion: "cup.flipt.io/v1alpha1", kind: "Controller", metadata: {name: "flipt"},
    spec: {type: "wasm", spec: {image: $ref}}}' >"$work/resources/controller.json"
jq -n '{apiVersion: "cup.flipt.io/v1alpha1", kind: "Binding", metadata: {name: "flags"},
    spec: {controller: "flipt", resources: ["flipt.io/v1alpha1/flags"]}}' >"$work/resources/binding.json"
printf 'namespace: default\nflags:\n- key: contact\n  name: Contact\n  enabled: true\n' | new_bare_repo "$work/r.git" features.yml
start_cupd -api-source git -api-git-repo "$work/r.git" -api-resources "$work/resources" -api-store "$work/cupd-store"
expect_exit 0 cup get flags contact -o json
holds "a controller without definitions serves those of the resources" jq -e '.metadata.name == "contact"' "$stdout"
stop_cupd
done_testing
