#!/bin/bash
# History of one object: which commits changed it, who, when, through which proposal; and reads of what each left.
. "$(dirname "$0")/../support/lib.sh"

. "$CUP_SOURCE_DIR/tests/support/widgets.sh"

define_widgets "$work/defs"
repo=$work/repo.git
new_bare_repo "$repo" README <<<"seed"
start_cupd -api-source git -api-git-repo "$repo" -api-git-poll 100ms -api-resources "$work/defs"
url=$CUP_ADDRESS/$widgets_path

propose_and_merge() {
    propose "$@"
    expect_exit 0 cup proposal merge "$id"
}
expect_exit 3 cup history widgets a
propose_and_merge a 1
created=$id
propose_and_merge other 1
propose_and_merge a 2
changed=$id
first=$(git -C "$repo" rev-parse main)
id=$(cup delete widgets a -o json | jq -r .id)
expect_exit 0 cup proposal merge "$id"
deleted=$id

# somebody pushes by hand, with a text that no terminal should obey
git clone -q "$repo" "$work/clone"
widget a 3 >"$work/clone/default/example.com-v1-Widget-a.json"
git -C "$work/clone" add .
GIT_AUTHOR_NAME=Eve git -C "$work/clone" commit -qm "$(printf 'by \033[31mhand\nCup-Proposal: no-id')"
git -C "$work/clone" push -q origin main
for try in $(seq 100); do
    cup get widgets a >"$work/out" 2>&1 && break
    sleep 0.05
done

cup history widgets a -o json >"$work/history"
holds "history tells of each change, the newest first" jq -e '[.items[].change] == ["created","deleted","changed","created"]' "$work/history"
holds "... of the proposals they came through" jq -e --arg a "$created" --arg b "$changed" --arg c "$deleted" \
    '[.items[].proposal] == [null, $c, $b, $a]' "$work/history"
holds "... of who made them" jq -e '[.items[].author] == ["Eve","cup","cup","cup"]' "$work/history"
holds "... and when" jq -e '[.items[].time | fromdate] | . == (sort | reverse)' "$work/history"
holds "another object's change is not among them" jq -e --arg c "$(git -C "$repo" rev-parse main)" '(.items | length == 4) and .items[0].commit == $c' "$work/history"
holds "what a page was at its end says nothing of further ones" jq -e 'has("metadata") | not' "$work/history"
cup history widgets a >"$work/out"
holds "the table is safe for a terminal" is_plain_text "$work/out"
holds "... and has a row each" test "$(wc -l <"$work/out")" = 5
holds "names are commits" test "$(cup history widgets a -o name | head -n1)" = "$(git -C "$repo" rev-parse main)"
cup history widgets a -o yaml >"$work/out"
holds "YAML as well" grep -q '^ *- change: created' "$work/out"

# --- each version can be read
n=0
while read -r revision etag number; do
    n=$((n + 1))
    curl -s -D "$work/headers" "$url/a?revision=$revision" >"$work/out"
    holds "revision $n reads what the change left" jq -e --argjson n "$number" '.spec.n == $n' "$work/out"
    [ "$etag" = null ] || holds "... under the etag that history tells" grep -qi "^etag: \"$etag\"" "$work/headers"
done < <(jq -r '[3,2,2,1] as $n | .items | to_entries[] | "\(.value.revision) \(.value.etag) \($n[.key])"' "$work/history")
holds "four were read" test "$n" = 4
holds "a deletion has no etag" jq -e '.items[1].etag == null' "$work/history"
cup get widgets a -o json --revision "$first" >"$work/out"
holds "cup get --revision reads there" jq -e '.spec.n == 2' "$work/out"

# --- from elsewhere than the target branch
cup history widgets a --revision "$first" -o json >"$work/out"
holds "history starts at a revision" jq -e '[.items[].change] == ["changed","created"]' "$work/out"
propose a 9
cup history widgets a --proposal "$id" -o json >"$work/out"
holds "... or at a proposal" jq -e '.items | length == 5 and .[0].change == "changed"' "$work/out"
cup history widgets a --limit 2 -o json >"$work/out"
holds "--limit ends it" jq -e '.items | length == 2' "$work/out"

# --- pages
curl -s "$url/a/history?limit=3" >"$work/out"
token=$(jq -r .metadata.continue "$work/out")
holds "a page has a token" test "${#token}" = 40
curl -s "$url/a/history?limit=3&continue=$token" >"$work/next"
holds "which the next one goes on from" test "$(jq -sc '[.[].items[].change]' "$work/out" "$work/next")" = '["created","deleted","changed","created"]'
holds "and the last one has none" jq -e '.metadata == {}' "$work/next"
answer() { # QUERY
    status_of "$widgets_path/a/history?$1"
}
holds "a commit that is not there is 410" test "$(answer revision=1234567890123456789012345678901234567890)" = 410
holds "... a token of one too" test "$(answer continue=1234567890123456789012345678901234567890)" = 410
holds "a made-up token is 400" test "$(answer continue=main)" = 400
holds "a limit that is none is 400" test "$(answer limit=0)$(answer limit=-1)$(answer limit=501)$(answer limit=x)" = 400400400400
holds "a name that is none is 422" test "$(status_of "$widgets_path/-a/history")" = 422
expect_exit 2 cup history widgets
expect_exit 2 cup history widgets a --limit nothing

# --- what the controller cannot read
echo 'no json' >"$work/clone/default/example.com-v1-Widget-a.json"
git -C "$work/clone" commit -qam broken
git -C "$work/clone" push -q origin HEAD:broken
cup history widgets a --revision broken -o json >"$work/out"
holds "a commit that broke the object is told of, and does not hide what was before" jq -e \
    '[.items[].change] == ["broken","created","deleted","changed","created"] and (.items[0].error | length > 0)' "$work/out"

# --- a directory has none
mkdir "$work/dir"
start_cupd -api-source local -api-local-path "$work/dir" -api-resources "$work/defs"
holds "a directory has no history: 400" test "$(answer limit=1)" = 400
holds "... and says why" jq -e '.reason == "NotVersioned"' "$work/answer"
done_testing
