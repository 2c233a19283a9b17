#!/bin/bash
# Hardening 40 and 33's last part: writers at the same time lose nothing and mix nothing.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/writes.sh"

repo=$work/widgets.git
mapfile -t names < <(seq -f 'w%g' 100)
widgets_repo "$repo" "${names[@]}"
widgets_resources "$work/resources"
start_cupd -api-source git -api-git-repo "$repo" -api-resources "$work/resources"

# puts "SIZE NAME"…: a PUT of each, all at once, with a key where $keyed is set; answers in $work/answers,
# "NAME SIZE STATUS ID" a line
keyed=
puts() {
    local it
    for it; do echo "$it${keyed:+ ${it/ /-}}"; done >"$work/wanted"
    xargs -P "$parallel" -L 1 bash -c '
        out=$(mktemp "$0/put.XXXX")
        status=$(curl -s -o "$out" -w "%{http_code}" -X PUT -H "Content-Type: application/json" ${4:+-H "Idempotency-Key: $4"} \
            --data-binary "{\"spec\":{\"size\":$2}}" "$1/apis/demo.example/v1/namespaces/default/widgets/$3")
        echo "$3 $2 $status $(jq -r .id "$out")"' "$work" "$CUP_ADDRESS" <"$work/wanted" >"$work/answers"
}
size_at() { git -C "$repo" show "$1:default/demo.example-v1-Widget-$2.json" | jq .spec.size; }

# --- a hundred to a hundred
parallel=50
before=$(git -C "$repo" rev-parse main)
seq 16 | xargs -P 16 -I{} bash -c 'for i in $(seq 15); do curl -s -o /dev/null -w "%{http_code}\n" "$0/apis/demo.example/v1/namespaces/default/widgets/w$i"; done' \
    "$CUP_ADDRESS" >"$work/reads" &
readers=$!
mapfile -t wanted < <(seq 100 | sed 's/.*/& w&/')
puts "${wanted[@]}"
wait $readers
holds "t_adv_40: a hundred writes beside sixteen readers are all taken" test "$(grep -c ' 202 ' "$work/answers")" = 100
holds "... by a hundred proposals" test "$(cut -d' ' -f4 "$work/answers" | sort -u | wc -l)" = 100
holds "... a branch each" test "$(branches | wc -l)" = 100
while read -r name size _ id; do
    [ "$(git -C "$repo" rev-list --count "$before..cup/proposal/$id")" = 1 ] || fail "$id has other than one commit"
    [ "$(git -C "$repo" diff --name-only "$before" "cup/proposal/$id")" = "default/demo.example-v1-Widget-$name.json" ] || fail "$id changes other files"
    [ "$(size_at "cup/proposal/$id" "$name")" = "$size" ] || fail "$id does not have what was asked for"
done <"$work/answers"
passed "... each with one commit that changes its own object"
holds "... and no read failed" test "$(sort -u "$work/reads")" = 200

# --- two to one, nine times, half of them with keys; they may come one after the other, or both at once
parallel=2
for round in $(seq 9); do
    name=n$round
    keyed=$((round % 2))
    [ $keyed = 1 ] || keyed=
    puts "1 $name" "2 $name"
    ids=$(grep ' 202 ' "$work/answers" | cut -d' ' -f4 | sort -u)
    [ "$(wc -l <<<"$ids")" = 1 ] || fail "two proposals of one object: $(cat "$work/answers")"
    [ "$(git -C "$repo" rev-list --count "main..cup/proposal/$ids")" = "$(grep -c ' 202 ' "$work/answers")" ] || fail "a write is lost: $(cat "$work/answers")"
    [ "$(grep -c ' 202 \| 409 ' "$work/answers")" = 2 ] || fail "another answer: $(cat "$work/answers")"
done
keyed=1
puts "1 n9" "2 n9"
holds "... with keys, each of them knows its proposal again" test "$(cut -d' ' -f3,4 "$work/answers" | sort -u)" = "202 $ids"
holds "... which stays as it is" test "$(git -C "$repo" rev-list --count "main..cup/proposal/$ids")" -le 2
keyed=
passed "t_adv_40: two writes to one object at once are one proposal with both, or one 409"

# --- many to one: each that was taken is a commit
parallel=20
mapfile -t wanted < <(seq 20 | sed 's/.*/& many/')
puts "${wanted[@]}"
ids=$(grep ' 202 ' "$work/answers" | cut -d' ' -f4 | sort -u)
holds "twenty writes to one object are one proposal" test "$(wc -l <<<"$ids")" = 1
holds "... with a commit for each that was taken" test "$(git -C "$repo" rev-list --count "main..cup/proposal/$ids")" = "$(grep -c ' 202 ' "$work/answers")"
holds "... the others are 409" test "$(grep -vc ' 202 \| 409 ' "$work/answers")" = 0
holds "git finds nothing wrong" sound
done_testing
