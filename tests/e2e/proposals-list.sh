#!/bin/bash
# Proposals listed, shown, merged and closed: states, pages, those of one object, what stands in the way; and two cupd
# over one repository, which know nothing but what is in it.
. "$(dirname "$0")/../support/lib.sh"
. "$CUP_SOURCE_DIR/tests/support/widgets.sh"

define_widgets "$work/defs"
repo=$work/repo.git
new_bare_repo "$repo" README <<<seed
serve() {
    start_cupd -api-source git -api-git-repo "$repo" -api-git-poll 100ms -api-resources "$work/defs" "$@"
}
serve
one=$CUP_ADDRESS
serve
two=$CUP_ADDRESS
on() { # ADDRESS ARG…: cup there
    local address=$1
    shift
    cup -a "$address" "$@"
}
another() { # NAME NUMBER: a proposal of its own
    id=$(widget "$1" "$2" | cup apply -f - -o json --proposal new | jq -r .id)
}
ids() { # ARG…: of proposal list, sorted
    cup proposal list -o name "$@" | sort | tr '\n' ' '
}
sorted() {
    printf '%s\n' "$@" | sort | tr '\n' ' '
}

another a 1
merged=$id
another a 2
conflicted=$id
another b 1
open=$id
another c 1
closed=$id
expect_exit 0 cup proposal merge "$merged"
expect_exit 0 cup proposal close "$closed"

# --- states
holds "open ones are listed, those in conflict among them" test "$(ids)" = "$(sorted "$open" "$conflicted")"
holds "... by name of the state, too" test "$(ids --state open)" = "$(sorted "$open" "$conflicted")"
holds "conflicted ones alone" test "$(ids --state conflicted)" = "$conflicted "
holds "merged ones" test "$(ids --state merged)" = "$merged "
holds "closed ones" test "$(ids --state closed)" = "$closed "
holds "all" test "$(ids --all)" = "$(sorted "$open" "$conflicted" "$merged" "$closed")"
cup proposal list --all -o json >"$work/out"
holds "each says its state and how it merges" test \
    "$(jq -c '[.items[] | [.state, .merge]] | sort' "$work/out")" = '[["closed",null],["conflicted","conflict"],["merged",null],["open","clean"]]'
holds "the newest comes first" jq -e '[.items[].created] | . == (sort | reverse)' "$work/out"
cup proposal list >"$work/out"
holds "the table says it too" grep -q "^$conflicted   conflicted " "$work/out"
holds "titles stand in the wide one" grep -q 'feat: update example.com/v1/Widget default/b' <(cup proposal list -o wide)
expect_exit 2 cup proposal list --all --state open
expect_exit 6 cup proposal list --state broken
holds "a state that is none is 400" test "$(status_of "$proposals_path?state=x")" = 400

# --- one object's
holds "those of one object" test "$(ids --for widgets/a --all)" = "$(sorted "$conflicted" "$merged")"
holds "... by its full type" test "$(ids --for example.com/v1/widgets/b)" = "$open "
holds "... none" test -z "$(ids --for widgets/nothing)"
expect_exit 2 cup proposal list --for widgets
holds "an object that is none is 400" test "$(status_of "$proposals_path?object=a/b")" = 400
holds "... a kind that is none 404" test "$(status_of "$proposals_path?object=a/b/c/d/e")" = 404

# --- pages
holds "--limit takes the newest" test "$(cup proposal list --all --limit 2 -o name | wc -l)" = 2
curl -s "$CUP_ADDRESS/$proposals_path?state=all&limit=3" >"$work/first"
token=$(jq -r .metadata.continue "$work/first")
curl -s "$CUP_ADDRESS/$proposals_path?state=all&limit=3&continue=$token" >"$work/second"
holds "pages make the whole" test "$(jq -r '.items[].id' "$work/first" "$work/second" | sort | tr '\n' ' ')" = "$(ids --all)"
holds "the last one has no token" jq -e '.metadata == {}' "$work/second"
holds "a token that is none is 400" test "$(status_of "$proposals_path?continue=x.y")$(status_of "$proposals_path?continue=-1.$open")" = 400400
holds "a limit that is none is 400" test "$(status_of "$proposals_path?limit=0")$(status_of "$proposals_path?limit=1000")" = 400400

# --- one of them
widget b 2 | cup apply -f - -o json >"$work/out"
holds "a second change goes to the same proposal" jq -e --arg id "$open" '.id == $id' "$work/out"
cup proposal show "$open" -o json >"$work/out"
holds "show has its objects" jq -e '.objects == [{"group":"example.com","version":"v1","kind":"Widget","namespace":"default","name":"b"}]' "$work/out"
holds "... its commits, the newest first" jq -e '(.commits | length == 2) and .commits[0].commit == .head and (.commits[0].message | startswith("feat: update"))' "$work/out"
holds "... draft, labels, and what blocks it" jq -e '.draft == false and .labels == [] and .blocked == null' "$work/out"
cup proposal diff "$open" >"$work/out"
holds "its diff is what both commits change" grep -q '^+.*"n": 2' "$work/out"
cup proposal show "$conflicted" -o json >"$work/out"
holds "show names what conflicts" jq -e '.state == "conflicted" and [.conflicts[].field] == ["example.com/v1/Widget default/a"]' "$work/out"
cup proposal show "$conflicted" >"$work/out"
holds "... for people as well" grep -q '^Conflict *example.com/v1/Widget default/a: it was created on' "$work/out"
cup proposal show "$merged" -o json >"$work/out"
holds "a merged one tells what it changed and where it went" jq -e --arg m "$(git -C "$repo" rev-parse main)" '.merged == $m and (.objects | length == 1) and (.commits | length == 1)' "$work/out"
cup proposal diff "$merged" >"$work/out"
holds "... and its diff" grep -q '^+.*"n": 1' "$work/out"
cup proposal diff "$closed" >"$work/out"
holds "a closed one has its diff as well" grep -q '^+.*"name": "c"' "$work/out"

# --- two servers
holds "what one made the other one lists" test "$(on "$one" proposal list --all -o name | sort)" = "$(on "$two" proposal list --all -o name | sort)"
id=$(widget d 1 | on "$one" apply -f - -o json | jq -r .id)
again=$(widget d 2 | on "$two" apply -f - -o json | jq -r .id)
holds "a change through the other one goes to the same proposal" test "$id" = "$again"
holds "... which has both commits" test "$(git -C "$repo" rev-list --count "main..cup/proposal/$id")" = 2
expect_exit 0 on "$two" proposal merge "$id"
holds "the first one knows that it is merged" test "$(on "$one" proposal show "$id" -o json | jq -r .state)" = merged
commit=$(git -C "$repo" rev-parse main)
holds "... and serves it, where it is asked to be as new" test \
    "$(curl -s "$one/$widgets_path/d?atLeast=$commit" | jq .spec.n)" = 2
expect_exit 0 on "$one" proposal close "$conflicted"
holds "what one closed is closed for the other one" test "$(on "$two" proposal show "$conflicted" -o json | jq -r .state)" = closed
expect_exit 6 on "$two" proposal close "$conflicted"
expect_exit 6 on "$one" proposal merge "$id"
expect_exit 3 on "$one" proposal show 00000000000000000000000000
expect_exit 6 on "$one" proposal show nothing

# --- closed ones are kept for 30 days
holds "the ref of a closed one tells when it was closed" test "$(git -C "$repo" log -1 --format='%(trailers:key=Cup-Closed,valueonly)' "refs/cup/closed/$closed")" = "$closed"
old=00000000000000000000000001
git -C "$repo" update-ref "refs/cup/closed/$old" "$(printf 'Close\n\nCup-Closed: %s\n' "$old" |
    GIT_AUTHOR_DATE="$(($(date +%s) - 31 * 86400)) +0000" git -C "$repo" commit-tree -p main "main^{tree}")"
serve
for try in $(seq 100); do
    git -C "$repo" rev-parse -q --verify "refs/cup/closed/$old" >"$work/out" || break
    sleep 0.05
done
holds "one that is older is gone" test -z "$(git -C "$repo" for-each-ref "refs/cup/closed/$old")"
holds "others are not" test "$(cup proposal show "$closed" -o json | jq -r .state)" = closed
cup proposal show "$closed" -o json >"$work/out"
holds "... with the head that they had" jq -e '(.commits | length == 1) and (.title | startswith("feat: update"))' "$work/out"

# --- back to where it started
propose e 1
expect_exit 0 cup proposal merge "$id"
propose e 2
first=$id
widget e 1 | cup apply -f - -o json >"$work/out"
holds "a change back to the base is none" test ! -s "$work/out"
holds "... and closes the proposal" test "$(cup proposal show "$first" -o json | jq -r .state)" = closed
propose e 3
holds "the next change is another proposal" test "$id" != "$first"
holds "git fsck finds nothing" git -C "$repo" fsck --strict --no-dangling
done_testing
