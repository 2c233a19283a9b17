#!/bin/bash
# Results of controllers are kept with what they saw of the tree: a commit that touches something else
# does not disturb them, one that touches what was read does, and so does one that adds a name to a
# directory that was listed. A change of a local directory shows at once.
. "$(dirname "$0")/../support/lib.sh"

flag() { printf -- '- key: %s\n  name: %s\n  description: %s\n  enabled: true\n' "$1" "$1" "$2"; }
new_bare_repo "$work/flags.git" features.yml <<Y
namespace: default
flags:
$(flag one first)
$(flag two second)
Y
git clone -q "$work/flags.git" "$work/clone"
commit() { # message; commits what stands in the clone, and waits until cupd serves it
    git -C "$work/clone" add -A
    git -C "$work/clone" commit -qm "$1"
    git -C "$work/clone" push -q origin HEAD:main
}
metric() { curl -sS "$CUP_ADDRESS/metrics" | sed -n "s/^cup_result_cache_$1 //p"; }
get() { curl -sS "$CUP_ADDRESS/apis/flipt.io/v1alpha1/namespaces/default/flags/$1"; }
description_is() { # NAME TEXT, within ten seconds
    local try
    for try in $(seq 1 200); do
        get "$1" | grep -q "\"description\":\"$2\"" && return 0
        sleep 0.05
    done
    return 1
}

pack_flipt flipt:v1 >/dev/null
start_cupd -api-source git -api-git-repo "$work/flags.git" -api-image flipt:v1 -api-git-poll 50ms

get one >"$work/first"
holds "the first get is computed" test "$(metric misses_total)" = 1
for _ in 1 2 3 4 5; do get one >"$work/again"; done
holds "the same bytes again" cmp "$work/first" "$work/again"
holds "without a computation" test "$(metric misses_total)" = 1
get nope >"$work/missing"
get nope >"$work/missing2"
holds "that there is no such flag is kept as well" test "$(metric misses_total)" = 2
holds "and told in the same words" cmp "$work/missing" "$work/missing2"

mkdir "$work/clone/docs"
echo text >"$work/clone/docs/readme.md"
commit 'a new directory'
echo more >>"$work/clone/docs/readme.md"
commit 'an unrelated file'
for _ in $(seq 1 40); do get one >"$work/again"; sleep 0.01; done
holds "unrelated commits leave the answer" cmp "$work/first" "$work/again"
before=$(metric misses_total)
echo 'still more' >>"$work/clone/docs/readme.md"
commit 'an edit of a file that no controller opened'
for _ in $(seq 1 40); do get one >"$work/again"; sleep 0.01; done
holds "an edit of a file that was never opened computes nothing" test "$(metric misses_total)" = "$before"

sed -i 's/description: first/description: changed/' "$work/clone/features.yml"
commit 'an edit of what was read'
holds "an edit of what was read shows" description_is one changed
git -C "$work/clone" revert --no-edit HEAD >/dev/null
git -C "$work/clone" push -q origin HEAD:main
holds "and its revert, too" description_is one first
get one >"$work/again"
holds "with the bytes of before" cmp "$work/first" "$work/again"

printf 'namespace: default\nflags:\n%s\n' "$(flag three third)" >"$work/clone/docs/features.yml"
commit 'a new file that the controller reads'
holds "a flag in a new file shows" description_is three third

etag=$(curl -sSI "$CUP_ADDRESS/apis/flipt.io/v1alpha1/namespaces/default/flags/one" | sed -n 's/^ETag: //Ip' | tr -d '\r')
holds "a kept answer has its ETag" test -n "$etag"
holds "and answers 304 to it" test "$(curl -sS -o /dev/null -w '%{http_code}' -H "If-None-Match: $etag" "$CUP_ADDRESS/apis/flipt.io/v1alpha1/namespaces/default/flags/one")" = 304
stop_cupd

start_cupd -api-source git -api-git-repo "$work/flags.git" -api-image flipt:v1 -api-cache-size 0
get one >"$work/again"
get one >"$work/again"
holds "without a cache it is the same answer" cmp "$work/first" "$work/again"
holds "computed each time" test "$(metric misses_total) $(metric entries)" = "0 0"
stop_cupd

mkdir "$work/dir"
cp "$work/clone/features.yml" "$work/dir/"
start_cupd -api-local-path "$work/dir" -api-image flipt:v1
holds "a local directory is served" description_is one first
sed -i 's/description: first/description: edited/' "$work/dir/features.yml"
holds "its next answer is that of the edited file" grep -q '"description":"edited"' <(get one)
touch -d '1 hour ago' "$work/dir/features.yml"
sleep 3
get one >/dev/null
before=$(metric misses_total)
get one >"$work/again"
holds "files that have settled are not read again" test "$(metric misses_total)" = "$before"
sed -i 's/description: edited/description: another/' "$work/dir/features.yml"
holds "until they change" grep -q '"description":"another"' <(get one)
stop_cupd
done_testing
