#!/bin/bash
# What is going on with one object: open proposals, last change, controller. And how proposals are worded.
. "$(dirname "$0")/../support/lib.sh"
. "$CUP_SOURCE_DIR/tests/support/widgets.sh"

define_widgets "$work/defs"
pack_flipt local/flipt:v1 >"$work/packed"
repo=$work/repo.git
new_bare_repo "$repo" features.yml <<'YML'
namespace: default
flags:
- key: a
  enabled: true
YML
start_cupd -api-source git -api-git-repo "$repo" -api-resources "$work/defs" -api-image local/flipt:v1
status() { # NAME
    curl -s "$CUP_ADDRESS/$widgets_path/$1/status" >"$work/status"
}

holds "an object that nobody knows is 404" test "$(status_of "$widgets_path/a/status")" = 404
propose a 1
made=$id
status a
holds "one that a proposal makes is told of" jq -e --arg id "$made" '.exists == false and .lastChange == null and [.proposals[] | [.id, .state, .change, .source]] == [[$id, "open", "created", "git"]]' "$work/status"
holds "... with the version it would have" test "$(jq -r '.proposals[0].etag' "$work/status")" = \
    "$(curl -s -D - -o /dev/null "$CUP_ADDRESS/$widgets_path/a?proposal=$made" | tr -d '\r"' | sed -n 's/^[Ee][Tt]ag: //p')"
expect_exit 0 cup proposal merge "$made"
id=$(widget a 2 | cup apply -f - -o json --proposal new | jq -r .id)
change=$id
id=$(cup delete widgets a -o json --proposal new | jq -r .id)
delete=$id
propose other 1
status a
holds "each open proposal of it is there, and no other" test "$(jq -c '[.proposals[] | [.id, .change]] | sort' "$work/status")" = \
    "$(jq -nc --arg a "$change" --arg b "$delete" '[[$a, "changed"], [$b, "deleted"]] | sort')"
holds "it is as it is on the target branch" jq -e --arg c "$(git -C "$repo" rev-parse main)" '.exists and .revision == $c and (.etag | length > 0) and .kind == "Widget" and .name == "a"' "$work/status"
holds "its last change is the merge" jq -e --arg id "$made" --arg c "$(git -C "$repo" rev-parse main)" '.lastChange | .change == "created" and .proposal == $id and .commit == $c and .author == "cup"' "$work/status"
holds "its controller is named" jq -e '.controller == {"name":"files","type":"template","image":null,"digest":null}' "$work/status"
expect_exit 0 cup proposal merge "$change"
status a
holds "what cannot be merged any more is conflicted" jq -e --arg id "$delete" '[.proposals[] | [.id, .state]] == [[$id, "conflicted"]]' "$work/status"
curl -s "$CUP_ADDRESS/apis/flipt.io/v1alpha1/namespaces/default/flags/a/status" >"$work/status"
holds "a module's digest is told" jq -e '.controller.type == "wasm" and (.controller.digest | startswith("sha256:")) and .lastChange.proposal == null' "$work/status"
holds "a name that is none is 422" test "$(status_of "$widgets_path/.a/status")" = 422

# --- a directory
mkdir "$work/dir"
start_cupd -api-source local -api-local-path "$work/dir" -api-resources "$work/defs"
widget a 1 | cup apply -f - >"$work/out"
status a
holds "a directory has neither proposals nor history" jq -e '.exists and .proposals == [] and .lastChange == null and .revision == null' "$work/status"

# --- templates are looked at before anything is served
refused() { # ARG…
    expect_exit 1 cupd check -api-source git -api-git-repo "$repo" -api-resources "$work/defs" "$@"
}
refused -api-proposal-title '{{ .Nothing }}'
holds "the flag is named, and what is wrong" grep -q 'api-proposal-title.*Nothing' "$work/everything"
refused -api-proposal-body '{{ .Name'
expect_exit 0 cupd check -api-source git -api-git-repo "$repo" -api-resources "$work/defs" \
    -api-proposal-title '{{ .Verb }} {{ .Kind }} {{ .Namespace }}/{{ .Name }}' -api-proposal-labels a,b -api-proposal-draft
done_testing
