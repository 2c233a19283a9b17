#!/bin/bash
# Proposals that change one file: what does not merge as text is put again over the target, and only what both sides
# changed is a conflict, by name.
. "$(dirname "$0")/../support/lib.sh"
. "$CUP_SOURCE_DIR/tests/support/widgets.sh"

define_widgets "$work/defs"
pack_flipt local/flipt:v1 >"$work/packed"
repo=$work/repo.git
new_bare_repo "$repo" features.yml <<'YML'
# Who owns what: see the wiki
namespace: default
flags:
- key: contact   # rolled out in May
  name: Contact
  enabled: true
YML
start_cupd -api-source git -api-git-repo "$repo" -api-git-poll 100ms -api-image local/flipt:v1 -api-resources "$work/defs"

flag() { # KEY NAME: as JSON
    printf '{"apiVersion":"flipt.io/v1alpha1","kind":"Flag","metadata":{"namespace":"default","name":"%s"},"spec":{"description":"%s","enabled":true}}\n' "$1" "$2"
}
change() { # KEY NAME: a proposal of its own; its id is in $id
    id=$(flag "$1" "$2" | cup apply -f - -o json --proposal new | jq -r .id)
    [ ${#id} = 26 ] || fail "no proposal for flag $1"
}
reads() { # KEY NAME
    cup get flags "$1" -o json | jq -e --arg name "$2" '.spec.description == $name' >/dev/null
}
by_hand() { # BRANCH FILE SED: an edit in somebody's clone
    git -C "$work/clone" fetch -q origin
    git -C "$work/clone" checkout -qB edit "origin/$1"
    sed -i "$3" "$work/clone/$2"
    git -C "$work/clone" commit -qam "by hand"
    git -C "$work/clone" push -q origin "HEAD:$1"
}
git clone -q "$repo" "$work/clone"

# --- each adds a flag at the end of one file
change one One
first=$id
change two Two
second=$id
change three Three
third=$id
holds "git finds a conflict between them" bash -c "! git -C '$repo' merge-tree --write-tree cup/proposal/$first cup/proposal/$second >'$work/tree'"
expect_exit 0 cup proposal merge "$first"
before=$(git -C "$repo" rev-parse "cup/proposal/$second")
expect_exit 0 cup proposal merge "$second"
expect_exit 0 cup proposal merge "$third"
holds "all flags are there" test "$(cup get flags -o name | sort | tr '\n' ' ')" = "contact one three two "
holds "... as they were proposed" reads two Two
holds "comments stay" grep -q 'rolled out in May' <(git -C "$repo" show main:features.yml)
holds "the branch took its target in, itself first" test "$(git -C "$repo" rev-parse main^2^2)" = "$(git -C "$repo" rev-parse main^1)"
holds "what was reviewed is in the history" git -C "$repo" merge-base --is-ancestor "$before" main
cup history flags two -o json >"$work/out"
holds "history names the change and its proposal" jq -e --arg id "$second" '.items | length == 1 and .[0].proposal == $id and (.[0].message | startswith("feat: update"))' "$work/out"
cup proposal show "$second" -o json >"$work/out"
holds "the proposal keeps its title and its object" jq -e '.state == "merged" and (.title | startswith("feat: update")) and [.objects[].name] == ["two"]' "$work/out"

# --- an edit and a deletion beside each other
change one "One more"
first=$id
id=$(cup delete flags two -o json --proposal new | jq -r .id)
second=$id
change three "Three more"
third=$id
by_hand main features.yml 's/# Who owns what.*/# Nobody owns it/'
for id in "$first" "$second" "$third"; do expect_exit 0 cup proposal merge "$id"; done
holds "the edit of the comment stays" grep -q 'Nobody owns it' <(git -C "$repo" show main:features.yml)
holds "the deletion was merged" test "$(cup get flags -o name | sort | tr '\n' ' ')" = "contact one three "
holds "... and the changes beside it" reads three "Three more"

# --- both change one flag
change contact "Contact us"
first=$id
change contact "Contact me"
second=$id
expect_exit 0 cup proposal merge "$first"
tip=$(git -C "$repo" rev-parse "cup/proposal/$second")
main=$(git -C "$repo" rev-parse main)
holds "a flag that both changed is 409" test "$(status_of "$proposals_path/$second/merge" -X POST)" = 409
holds "... and named" jq -e '.reason == "Conflict" and .details.causes == [{"field":"flipt.io/v1alpha1/Flag default/contact","message":"it was changed on '"'main'"' as well"}]' "$work/answer"
expect_exit 5 cup proposal merge "$second"
holds "cup names it too" grep -q 'Flag default/contact: it was changed on' "$stderr"
holds "nothing was moved" test "$(git -C "$repo" rev-parse main) $(git -C "$repo" rev-parse "cup/proposal/$second")" = "$main $tip"
holds "what was merged is served" reads contact "Contact us"
expect_exit 0 cup proposal close "$second"

# --- both make the same change, and one more each
change contact "Contact them"
first=$id
change contact "Contact them"
second=$id
by_hand main features.yml 's/Nobody owns it/Somebody does/'
expect_exit 0 cup proposal merge "$first"
expect_exit 0 cup proposal merge "$second"
holds "what both wanted is there" reads contact "Contact them"

# --- several commits on a branch, one of them somebody's own
change four Four
first=$id
change five Five
second=$id
git -C "$work/clone" fetch -q origin
git -C "$work/clone" checkout -qB edit "origin/cup/proposal/$second"
echo notes >"$work/clone/NOTES"
git -C "$work/clone" add NOTES
git -C "$work/clone" commit -qm "a file of my own"
git -C "$work/clone" push -q origin "HEAD:cup/proposal/$second"
expect_exit 0 cup proposal merge "$first"
expect_exit 0 cup proposal merge "$second"
holds "a file that somebody added to the branch comes along" test "$(git -C "$repo" show main:NOTES)" = notes
holds "... beside the flags" reads five Five

change six Six
first=$id
change seven Seven
second=$id
by_hand "cup/proposal/$second" features.yml 's/# Somebody does.*/# I do/'
expect_exit 0 cup proposal merge "$first"
holds "lines of a file that somebody edited by hand are not lost: 409" test "$(status_of "$proposals_path/$second/merge" -X POST)" = 409
holds "... naming the file" jq -e '.details.causes | length == 1 and .[0].field == "features.yml" and (.[0].message | test("by hand"))' "$work/answer"
expect_exit 0 cup proposal close "$second"

# --- a proposal that merged its target already, twice
change eight Eight
first=$id
change nine Nine
second=$id
change ten Ten
third=$id
expect_exit 0 cup proposal merge "$first"
git -C "$work/clone" fetch -q origin
git -C "$work/clone" checkout -qB edit "origin/cup/proposal/$third"
git -C "$work/clone" merge -q -s ours -m "merged by hand" origin/main
git -C "$work/clone" checkout -q origin/main -- features.yml
git -C "$work/clone" commit -qa --amend --no-edit
git -C "$work/clone" push -q origin "HEAD:cup/proposal/$third"
expect_exit 0 cup proposal merge "$second"
expect_exit 0 cup proposal merge "$third"
holds "a merge that somebody resolved is taken as it is" test "$(cup get flags -o name | grep -c -x -e eight -e nine)" = 2

# --- merge commits on the branch: what is no more than a merge is none of somebody's, all else is
merges_main() { # PROPOSAL SCRIPT: in the clone, before the merge is committed
    git -C "$work/clone" fetch -q origin
    git -C "$work/clone" checkout -qB edit "origin/cup/proposal/$1"
    (cd "$work/clone" && { git merge -q --no-commit --no-ff origin/main >/dev/null || true; } && eval "$2" &&
        git add -A && git commit -qm "Merge branch 'main'" && git push -q origin "HEAD:cup/proposal/$1")
}
conflicts_at() { # PROPOSAL PATH
    holds "it is 409" test "$(status_of "$proposals_path/$1/merge" -X POST)" = 409
    holds "... naming $2 alone" jq -e --arg path "$2" '.details.causes | length == 1 and .[0].field == $path and (.[0].message | test("by hand"))' "$work/answer"
}
change eleven Eleven
first=$id
change twelve Twelve
second=$id
change thirteen Thirteen
third=$id
change fourteen Fourteen
fourth=$id
by_hand main features.yml 's/Somebody does/They do/'
merges_main "$second" :
holds "both sides of the merge had changed the file" test "$(git -C "$repo" show --format= --name-only -m "cup/proposal/$second" | grep -c -x features.yml)" = 2
merges_main "$third" 'echo mine >NOTES; echo extra >EXTRA'
merges_main "$fourth" 'echo extra >EXTRA'
expect_exit 0 cup proposal merge "$first"
expect_exit 0 cup proposal merge "$second"
holds "a branch that was brought up to date is put again" reads twelve Twelve
holds "... beside the others" reads eleven Eleven
expect_exit 0 cup proposal merge "$fourth"
holds "a file that somebody added in a merge commit comes along" test "$(git -C "$repo" show main:EXTRA)" = extra
by_hand main NOTES 's/notes/ours/'
tip=$(git -C "$repo" rev-parse main "cup/proposal/$third")
conflicts_at "$third" NOTES
holds "nothing was moved" test "$(git -C "$repo" rev-parse main "cup/proposal/$third")" = "$tip"
holds "... and what somebody wrote is still there" test "$(git -C "$repo" show "cup/proposal/$third:NOTES")" = mine
expect_exit 0 cup proposal close "$third"

change fifteen Fifteen
first=$id
change sixteen Sixteen
second=$id
change seventeen Seventeen
third=$id
expect_exit 0 cup proposal merge "$first"
merges_main "$second" 'grep -q "^<<<<<<<" features.yml && grep -v -e "^<<<<<<<" -e "^=======" -e "^>>>>>>>" features.yml | sed "s/They do/I do/" >f; mv f features.yml'
expect_exit 0 cup proposal merge "$third"
by_hand main features.yml 's/They do/You do/'
conflicts_at "$second" features.yml
expect_exit 0 cup proposal close "$second"

# --- a kind that is a file each
propose a 1
expect_exit 0 cup proposal merge "$id"
id=$(widget a 2 | cup apply -f - -o json --proposal new | jq -r .id)
first=$id
id=$(widget a 3 | cup apply -f - -o json --proposal new | jq -r .id)
second=$id
id=$(cup delete widgets a -o json --proposal new | jq -r .id)
third=$id
expect_exit 0 cup proposal merge "$first"
for id in "$second" "$third"; do
    holds "an object that is a file: 409" test "$(status_of "$proposals_path/$id/merge" -X POST)" = 409
    holds "... by name" jq -e '.details.causes == [{"field":"example.com/v1/Widget default/a","message":"it was changed on '"'main'"' as well"}]' "$work/answer"
done
holds "what was merged first is served" test "$(cup get widgets a -o json | jq .spec.n)" = 2

holds "git fsck finds nothing" git -C "$repo" fsck --strict --no-dangling
done_testing
