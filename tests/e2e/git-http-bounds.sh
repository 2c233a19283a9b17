#!/bin/bash
# What comes of a repository over HTTP is bounded and whole before it counts: packs that ask for too much,
# histories that were rewritten, submodules, several cupd at one clone.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/widgets.sh"

canary=s3cret-canary
repo=$work/srv/r.git
file=default/example.com-v1-Widget-a.json
define_widgets "$work/resources"
mkdir -p "$work/srv"
widget a 1 | new_bare_repo "$repo" "$file"
start_git_http "$work/srv" --user me --password "$canary"
url=${git_url/:\/\//:\/\/me:$canary@}/r.git
data=$work/data
flags=(-api-source git -api-resources "$work/resources" -api-data "$data" -api-git-scm plain -api-git-repo "$url")

work_tree() { git -C "$work/tree" "$@"; }
git clone -q "$repo" "$work/tree"
head -c 2000000 /dev/urandom >"$work/tree/large"
work_tree add .
work_tree commit -qm large
for i in $(seq 2 41); do
    widget a "$i" >"$work/tree/$file"
    work_tree commit -qam "$i"
done
# a submodule's commit is in no repository here
work_tree update-index --add --cacheinfo 160000,0123456789012345678901234567890123456789,sub
work_tree commit -qm submodule
work_tree push -q

the_clone() { echo "$data"/git/*.git; }
tip_here() { git --git-dir="$(the_clone)" rev-parse refs/heads/main; }
is_sound() { git --git-dir="$(the_clone)" fsck --strict --no-dangling --no-progress && test ! -e "$(the_clone).incoming"; }
# Bytes of the last answer to a fetch.
last_pack() { jq -s 'map(select(.target | endswith("git-upload-pack"))) | last | .out' "$git_log"; }

# --- several at once make and fill one clone
started=()
for i in 1 2 3; do
    timeout 60 cupd check "${flags[@]}" >"$work/check.$i" 2>&1 &
    started+=($!)
done
for i in 0 1 2; do
    holds "one of three that start at once on no clone yet" wait "${started[$i]}"
done
holds "a repository with a submodule is cloned" test "$(tip_here)" = "$(work_tree rev-parse main)"
holds "... once, and whole" is_sound

# --- a forced push brings what is new, not everything again
work_tree reset -q --hard main~20
widget a 99 >"$work/tree/$file"
work_tree commit -qam rewritten
work_tree push -qf
git -C "$repo" gc -q --prune=now # it no longer knows the commit that the clone has
expect_exit 0 cupd check "${flags[@]}"
holds "a rewritten branch is followed" test "$(tip_here)" = "$(work_tree rev-parse main)"
holds "... without fetching what was there before the fork" test "$(last_pack)" -lt 100000
holds "... and the clone is sound" is_sound

# --- t_adv_38_bomb: a delta of some bytes that makes 64 GiB
python3 - "$work/bomb" <<'PY'
import sys, zlib
pack = b"PACK\0\0\0\2\0\0\0\1" + bytes([7 << 4 | 12]) + bytes(20)
pack += zlib.compress(b"\5\x80\x80\x80\x80\x80\2\x90\5xyz") + bytes(20)
pkt = lambda data: b"%04x" % (len(data) + 4) + data
open(sys.argv[1], "wb").write(pkt(b"packfile\n") + pkt(b"\1" + pack) + b"0000")
PY
before=$(tip_here)
widget a 100 >"$work/tree/$file"
work_tree commit -qam more
work_tree push -q
echo "POST.*git-upload-pack 2+ body $work/bomb" >"$git_faults"
expect_exit 1 measured cupd check "${flags[@]}"
holds "t_adv_38_bomb: it is refused by its size" grep -q '68719476736 bytes' "$stdout"
holds "t_adv_38_bomb: ... in little memory" rss_below 100
holds "t_adv_38_bomb: the clone is as it was" test "$(tip_here)" = "$before"
holds "t_adv_38_bomb: ... and sound" is_sound
: >"$git_faults"
expect_exit 0 cupd check "${flags[@]}"
holds "t_adv_38_bomb: the next fetch gets through" test "$(tip_here)" = "$(work_tree rev-parse main)"

# --- what stands in a push's way at the remote, and the next one
start_cupd "${flags[@]}" -api-git-poll 1h
put_a() { status_of "$widgets_path/a" -X PUT --data-binary "$(widget a "$1")"; }
proposals_there() { git -C "$repo" for-each-ref refs/heads/cup/ | wc -l; }
git -C "$repo" branch cup main
holds "t_adv_39_remote: a branch 'cup' leaves no room for ours: 409" test "$(put_a 7)" = 409
holds "t_adv_39_remote: ... which names it" grep -q "'refs/heads/cup' exists" "$work/answer"
git -C "$repo" branch -m cup away
holds "t_adv_39_remote: without it the same change works" test "$(put_a 7)" = 202
holds "t_adv_39_remote: ... once" test "$(proposals_there)" = 1
id=$(jq -r .id "$work/answer")
touch "$repo/refs/heads/main.lock"
holds "t_adv_41_lock: a lock that somebody holds at the remote is a conflict" \
    test "$(status_of "$proposals_path/$id/merge" -X POST)" = 409
holds "t_adv_41_lock: nothing was merged, nothing lost" test "$(proposals_there)" = 1
rm "$repo/refs/heads/main.lock"
holds "t_adv_41_lock: the next try works" test "$(status_of "$proposals_path/$id/merge" -X POST)" = 200
holds "t_adv_41_lock: ... whole" test "$(git -C "$repo" show "main:$file" | jq .spec.n) $(proposals_there)" = '7 0'
stop_cupd
holds "t_adv_41_lock: the remote is sound" git -C "$repo" fsck --strict --no-dangling --no-progress
holds "... the clone, too" is_sound

# --- a server that shows the request in its error
printf 'Authorization: Basic %s\n' "$(printf 'me:%s' "$canary" | base64)" >"$work/echo"
printf '%s\n' ". * status 500" ". * body $work/echo" >"$git_faults"
expect_exit 1 cupd check "${flags[@]}"
holds "an error that quotes our credentials is not passed on" \
    sh -c "! grep -q -e '$canary' -e '$(base64 <<<"me:$canary" | cut -c1-12)' '$stdout' && grep -q 'status 500' '$stdout'"

done_testing
