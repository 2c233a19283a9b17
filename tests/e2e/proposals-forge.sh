#!/bin/bash
# The same at each forge: how a proposal is worded, and two that add to one file, which the forge alone could not merge.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/forge_story.sh"

pack_flipt local/flipt:v1 >"$work/packed"
printf '%s\n' "$forge_token" >"$work/token"

flag() { # KEY DESCRIPTION: as JSON
    printf '{"apiVersion":"flipt.io/v1alpha1","kind":"Flag","metadata":{"namespace":"default","name":"%s"},"spec":{"description":"%s"}}\n' "$1" "$2"
}
change() { # KEY DESCRIPTION: a proposal of its own; its id is in $id
    id=$(flag "$1" "$2" | cup apply -f - -o json --proposal new | jq -r .id)
    [ ${#id} = 26 ] || fail "no proposal for flag $1"
}
serve() { # KIND ARG…
    start_cupd -api-source git -api-git-repo "$repo" -api-image local/flipt:v1 -api-git-scm "$1" -api-git-scm-url "$forge" \
        -api-git-scm-token-file "$work/token" "${@:2}"
}

for kind in github gitea gitlab; do
    repo=$work/$kind/acme/site.git
    mkdir -p "$work/$kind/acme"
    new_bare_repo "$repo" features.yml <<'YML'
namespace: default
flags:
- key: contact
  enabled: true
YML
    start_forge "$kind"

    # --- wording
    serve "$kind" -api-proposal-title '{{ .Verb }} {{ .Object }} on {{ .Target }}' -api-proposal-body 'By {{ .Requester }}: {{ .Objects }}' \
        -api-proposal-labels flags,automated
    change a@all "for everybody"
    forge_state '.requests[-1]' >"$work/request"
    holds "$kind: the title is that of the template" grep -q 'create Flag default/a@.*all on main' <(jq -r .title "$work/request")
    holds "... and mentions nobody" bash -c "! jq -r '.title, .body' '$work/request' | grep -q '@all'"
    holds "... the body too" jq -e '.body | test("^By cup: - Flag default/a@")' "$work/request"
    holds "... labels" jq -e '[.labels[] | if type == "object" then .name else . end] | sort == ["automated", "flags"]' "$work/request"
    cup proposal show "$id" -o json >"$work/out"
    holds "$kind: cup shows them" jq -e '.number == 1 and (.labels | sort) == ["automated", "flags"] and .draft == false and .state == "open"' "$work/out"
    expect_exit 0 cup proposal close "$id"
    stop_cupd

    serve "$kind" -api-proposal-draft
    change draft Draft
    cup proposal show "$id" -o json >"$work/out"
    holds "$kind: a draft is one" jq -e '.draft == true' "$work/out"
    expect_exit 0 cup proposal close "$id"
    stop_cupd

    # --- one file
    serve "$kind"
    change one One
    first=$id
    change two Two
    second=$id
    expect_exit 0 cup proposal merge "$first"
    cup proposal show "$second" -o json >"$work/out"
    holds "$kind: the second one does not merge as text, but again" jq -e '.state == "open" and .merge == "again"' "$work/out"
    expect_exit 0 cup proposal merge "$second"
    holds "$kind: both flags are there" test "$(cup get flags -o name | sort | tr '\n' ' ')" = "contact one two "
    holds "... and both requests merged" test "$(forge_state '[.requests[] | select(.state != "closed") | .state] | unique | join(" ")')" = merged
    change one "One more"
    first=$id
    change one "One less"
    second=$id
    expect_exit 0 cup proposal merge "$first"
    expect_exit 5 cup proposal merge "$second"
    holds "$kind: what both changed is named" grep -q 'Flag default/one: it was changed on' "$stderr"
    holds "... and listed as conflicted" test "$(cup proposal list --state conflicted -o name)" = "$second"
    cup proposal list --all -o json >"$work/out"
    holds "$kind: the list has them all" jq -e '[.items[].state] | sort == ["closed", "closed", "conflicted", "merged", "merged", "merged"]' "$work/out"
    curl -s "$CUP_ADDRESS/apis/flipt.io/v1alpha1/namespaces/default/flags/one/status" >"$work/out"
    holds "$kind: the object's status has it" jq -e --arg id "$second" --arg kind "$kind" '[.proposals[] | [.id, .state, .source]] == [[$id, "conflicted", $kind]]' "$work/out"
    cup history flags one -o json >"$work/out"
    holds "$kind: history knows through which proposals" jq -e --arg id "$first" '[.items[].change] == ["changed", "created"] and .items[0].proposal == $id' "$work/out"
    holds "git fsck finds nothing" git -C "$repo" fsck --strict --no-dangling
    stop_cupd
    kill "$forge_pid"
done
done_testing
