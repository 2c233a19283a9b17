#!/bin/bash
# Forge and repository as they are in life, both over HTTP: pushes that are refused, cut off or lost are told apart
# from the forge's own failures, and the same call again ends in one branch and one request.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/forge_story.sh"

new_forge_desk github
stop_cupd
git -C "$repo" config http.receivepack true
start_git_http "$(dirname "$(dirname "$repo")")"
start_forge_cupd github "$git_url/acme/site.git"

# NAME CODE: while the push fails apply ends with CODE and no request is opened; then the same again
push_fails() {
    local name=$1 code=$2 id
    expect_exit "$code" cup apply -f "$(widget "$name" red)" -o json
    cp "$stderr" "$work/said"
    : >"$git_faults"
    rm -f "$repo/hooks/pre-receive"
    expect_exit 0 cup apply -f "$work/widget-$name.json" -o json
    id=$(jq -r .id "$stdout")
    holds "$name: one branch with one commit, one request of it, and that is open" test \
        "$(git -C "$repo" rev-list --count "main..cup/proposal/$id") $(forge_state "[.requests[] | select(.head == \"cup/proposal/$id\") | .state] | join(\" \")")" = "1 open"
    holds "$name: no branch without a request, and no request without a branch" test \
        "$(forge_state '[.requests[] | select(.state == "open") | .head] | sort | join(" ")')" = "$(branches | sed 's,^,cup/proposal/,' | sort | xargs)"
}

printf '#!/bin/sh\necho "these branches are not for you" >&2\nexit 1\n' >"$repo/hooks/pre-receive"
chmod 755 "$repo/hooks/pre-receive"
push_fails refused 1
holds "t_adv_41: a refused push is said in the remote's words" grep -q 'not for you' "$work/said"
echo 'POST.*git-receive-pack * status 403' >"$git_faults"
push_fails forbidden 1
echo 'POST.*git-receive-pack 1 lose' >"$git_faults"
push_fails lost 0
forge_routes github
fault "$open" '{"cut": "after"}'
push_fails unanswered 0

id=$(cup apply -f "$(widget one blue)" -o json | jq -r .id)
expect_exit 0 cup proposal merge "$id"
holds "after the merge get shows the change" jq -e '.spec.colour == "blue"' <(cup get widgets one -o json)
holds "its branch is gone, by cupd's push" test -z "$(git -C "$repo" for-each-ref "refs/heads/cup/proposal/$id")"
id=$(cup apply -f "$(widget one green)" -o json | jq -r .id)
expect_exit 0 cup proposal close "$id"
holds "a closed one's, too" test -z "$(git -C "$repo" for-each-ref "refs/heads/cup/proposal/$id")"
end_forge_desk
done_testing
