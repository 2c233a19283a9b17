#!/bin/bash
# cup apply and delete of several objects: one commit, one proposal, all or nothing.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/writes.sh"

repo=$work/widgets.git
widgets_repo "$repo" a b
widgets_resources "$work/resources"
start_cupd -api-source git -api-git-repo "$repo" -api-resources "$work/resources"
cd "$work"
mkdir -p files/below
widget a 1 >files/a.json
widget b 2 >files/b.json
printf 'apiVersion: demo.example/v1\nkind: Widget\nmetadata: {name: c}\nspec: {size: 3}\n' >files/below/c.yaml
is() { holds "$1" test "$2" = "$3"; }

expect_exit 0 cup apply -f files -o json --dry-run
is "a dry run answers one Result" "$(jq -sr length "$stdout")" 1
is "... and makes nothing" "$(branches | wc -l)" 0
expect_exit 0 cup apply -f files -R -o json --message $'Three at once\n\nThey belong together.'
is "a directory is one Result" "$(jq -sr 'length' "$stdout")" 1
id=$(jq -r .id "$stdout")
is "... one branch" "$(branches)" "cup/proposal/$id"
is "... one commit" "$(git -C "$repo" rev-list --count "main..cup/proposal/$id")" 1
is "... of three objects" "$(git -C "$repo" log -1 --format='%(trailers:key=Cup-Object,valueonly)' "cup/proposal/$id" | grep -c default/)" 3
is "... with the message's first line as title" "$(git -C "$repo" log -1 --format=%s "cup/proposal/$id")" "Three at once"
holds "... and the rest of it" grep -q "They belong together." <(git -C "$repo" log -1 --format=%B "cup/proposal/$id")
expect_exit 0 cup apply -f files -R -o json
is "again it is the same proposal" "$(jq -r .id "$stdout")" "$id"
is "... without another commit" "$(git -C "$repo" rev-list --count "main..cup/proposal/$id")" 1
widget a 5 >one.json
expect_exit 0 cup apply -f one.json -o json --message "One more"
is "a single one of them goes on with it" "$(jq -r .id "$stdout") $(git -C "$repo" log -1 --format=%s "cup/proposal/$id")" "$id One more"
expect_exit 0 cup apply -f files/a.json --proposal "$id" -o name
is "--proposal ID says which" "$(cat "$stdout")" "$id"

before=$(git -C "$repo" for-each-ref | sha256sum)
widget bad '"x"' >files/z.json
expect_exit 6 cup apply -f files
holds "what is refused is named by its file" grep -q 'changes\[2\] is files/z.json' "$stderr"
holds "... and by its field" grep -q 'spec.size: ' "$stderr"
is "... and nothing is changed" "$(git -C "$repo" for-each-ref | sha256sum)" "$before"
rm files/z.json
expect_exit 6 cup apply -f one.json --message $'a\eb'
expect_exit 1 cup diff -f files
is "diff shows what apply would change" "$(grep -c '^+    "size"' "$stdout")" 2

expect_exit 0 cup proposal merge "$id"
expect_exit 0 cup diff -f files/b.json
expect_exit 0 cup delete -f files -R -o json --message "All gone"
is "delete -f is one Result" "$(jq -sr length "$stdout")" 1
id=$(jq -r .id "$stdout")
is "... one commit that deletes three files" "$(git -C "$repo" diff --name-status main "cup/proposal/$id" | cut -f1 | xargs)" "D D D"
is "... with its title" "$(git -C "$repo" log -1 --format=%s "cup/proposal/$id")" "All gone"
widget nothing 1 >files/n.json
expect_exit 3 cup delete -f files --proposal new
holds "what is not there is named by its file" grep -q 'is files/n.json' "$stderr"
is "... and nothing is deleted" "$(branches | wc -l)" 1

holds "git finds nothing wrong" sound
done_testing
