#!/bin/bash
# hardening 1-4, 6-9: images that lie are refused with the reason, and nothing of them is named or left
# in the store; what is hostile only in its words does no harm; cupd does not start on any of them.
# What a registry can add to that is in hostile-registry.sh.
. "$(dirname "$0")/../support/lib.sh"

tool=$CUP_SOURCE_DIR/tests/support/hostile_images.py
definition=$CUP_SOURCE_DIR/examples/flipt/flags.json
mkdir "$work/cases"
python3 "$tool" make "$work/cases" "$CUP_FLIPT_WASM" "$definition"

nothing_named() { ! [ -e "$1/index.json" ] || [ "$(jq '.manifests | length' "$1/index.json")" = 0 ]; }
refused() { # NAME CODE WORDS
    local name=$1 store=$work/store-$1
    expect_exit "$2" measured cup pull "oci-layout:$work/cases/$name:v1" --store "$store" -d "$work/dir-$1"
    holds "$name: the error says what is wrong" grep -qiF -- "$3" "$stderr"
    holds "$name: one or two lines" test "$(grep -vc '^pull sha256:' "$stderr")" -le 2
    holds "$name: nothing is named in the store" nothing_named "$store"
    holds "$name: no temporary file is left, nothing is unpacked" test -z "$(find "$store" -path '*/.ingest/*' -type f)" -a ! -e "$work/dir-$1"
}
harmless() { # NAME
    expect_exit 0 measured cup pull "oci-layout:$work/cases/$1:v1" --store "$work/store-$1" -d "$work/dir-$1"
    holds "$1: only the files that it should have" test "$(ls -A "$work/dir-$1" | tr '\n' ' ')" = "controller.wasm flags.flipt.io.json "
    for flags in '' '-o json'; do
        # shellcheck disable=SC2086
        expect_exit 0 cup inspect "oci-layout:$work/cases/$1:v1" $flags
        holds "$1: inspect $flags escapes it" is_plain_text "$stdout"
    done
}
while IFS=$'\t' read -r name code words; do
    if [ "$code" = 0 ]; then harmless "$name"; else refused "$name" "$code" "$words"; fi
    holds "$name: memory stays flat" rss_below 64
    rm -rf "$work/cases/$name" "$work/store-$name" "$work/dir-$name"
done <"$work/cases/cases.tsv"
holds "nothing left its archive or its store" test -z "$(find "$work" -name x -o -name outside)"

# --- names in references
pack_flipt good:v1 >/dev/null
for tag in '../x' '..' '.' $'a\eb' $'a\r\nb' "$(printf 'x%.0s' {1..129})" 'a/b' ''; do
    expect_exit 6 cup pull "127.0.0.1:1/team/flipt:$tag"
    holds "t_adv_09: the error shows the tag escaped" is_plain_text "$stderr"
done
big=$(head -c 100000 /dev/zero | tr '\0' x)
expect_exit 6 cup pull "127.0.0.1:1/team/flipt:$big"
holds "t_adv_09: a tag of 100,000 characters is not repeated" test "$(wc -c <"$stderr")" -lt 1000

# --- cupd refuses to serve such an image
mkdir "$work/again"
python3 "$tool" make "$work/again" "$CUP_FLIPT_WASM" "$definition" t_adv_08_component
new_bare_repo "$work/r.git" a.txt <<<hello
expect_exit 1 cupd serve -api-address 127.0.0.1:0 -api-source git -api-git-repo "$work/r.git" \
    -api-image "oci-layout:$work/again/t_adv_08_component:v1" -api-store "$work/cupd-store"
holds "the log says why" grep -q 'level=ERROR.*component' "$stdout"
pack_flipt other:v1 >/dev/null
pack_flipt another:v1 >/dev/null
expect_exit 1 cupd serve -api-address 127.0.0.1:0 -api-source git -api-git-repo "$work/r.git" \
    -api-image other:v1,another:v1 -api-store "$XDG_DATA_HOME/cup/store"
holds "t_adv_08: two images of one controller name: the error names both" grep -q 'other:v1.*another:v1' "$stdout" "$stderr"
done_testing
