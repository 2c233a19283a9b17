#!/bin/bash
# hardening 1, 2, 4, 5, 6, 8: images that lie are refused with the reason, and nothing of them is named
# in the store; a registry that lies is noticed; cupd does not start on any of them.
. "$(dirname "$0")/../support/lib.sh"

tool=$CUP_SOURCE_DIR/tests/support/hostile_images.py
definition=$CUP_SOURCE_DIR/examples/flipt/flags.json
holds "the tool of this story does what it says" python3 "$tool" --self-test
mkdir "$work/cases"
python3 "$tool" make "$work/cases" "$CUP_FLIPT_WASM" "$definition"

nothing_named() { ! [ -e "$1/index.json" ] || [ "$(jq '.manifests | length' "$1/index.json")" = 0 ]; }
while IFS=$'\t' read -r name code words; do
    store=$work/store-$name
    expect_exit "$code" cup pull "oci-layout:$work/cases/$name:v1" --store "$store"
    holds "$name: the error says what is wrong" grep -qiF -- "$words" "$stderr"
    holds "$name: one or two lines" test "$(wc -l <"$stderr")" -le 2
    holds "$name: nothing is named in the store" nothing_named "$store"
    holds "$name: nothing leaves the store" test -z "$(find "$work" -name x -o -name outside)"
done <"$work/cases/cases.tsv"

# --- a registry that lies about what is good
pack_flipt "oci-layout:$work/good:v1" >/dev/null
digest=$(jq -r '.manifests[0].digest' "$work/good/index.json")
for fault in none flip-blob long-blob short-blob other-manifest other-type; do
    start_program "$work/lying-$fault.log" python3 "$tool" serve "$work/good" "$fault"
    wait_for "$work/lying-$fault.log" '^(127[0-9.:]+)$'
    host=$found
    store=$work/store-lying-$fault
    case $fault in
    none) wanted=0 ;;
    other-type) wanted=6 ;;
    *) wanted=7 ;;
    esac
    expect_exit $wanted cup pull "$host/team/flipt@$digest" --plain-http --store "$store"
    if [ $fault != none ]; then
        holds "t_adv_05 $fault: nothing is named in the store" nothing_named "$store"
    fi
done

# --- cupd refuses to serve such an image
new_bare_repo "$work/r.git" a.txt <<<hello
expect_exit 1 cupd serve -api-address 127.0.0.1:0 -api-source git -api-git-repo "$work/r.git" \
    -api-image "oci-layout:$work/cases/t_adv_08_component:v1" -api-store "$work/cupd-store"
holds "the log says why" grep -q 'level=ERROR.*component' "$stdout"
pack_flipt other:v1 >/dev/null
pack_flipt another:v1 >/dev/null
expect_exit 1 cupd serve -api-address 127.0.0.1:0 -api-source git -api-git-repo "$work/r.git" \
    -api-image other:v1,another:v1 -api-store "$XDG_DATA_HOME/cup/store"
holds "t_adv_08: two images of one controller name: the error names both" grep -q 'other:v1.*another:v1' "$stdout" "$stderr"
done_testing
