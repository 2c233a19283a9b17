# The story of a change with a forge, for tests/e2e/forge-*.sh, over tests/support/forge.py: `forge_story KIND`.
# To be sourced after lib.sh.
# `forge_faults KIND`, `forge_rules KIND` and `forge_limits KIND` are what their names say.
#
# start_forge KIND ARG…   sets $forge (the API's address), $forge_log and $forge_pid; repository is $repo
# forge_set WHAT JSON     settings or faults
# forge_state JQ          of all requests and their faults
# asked JQ                how many requests in $forge_log JQ is true of

forge_name=acme/site
forge_token=forge-token-4711

forge_resources() {
    mkdir -p "$work/resources"
    jq -n '{apiVersion: "cup.flipt.io/v1alpha1", kind: "ResourceDefinition", metadata: {name: "widgets.demo.example"},
        names: {kind: "Widget", singular: "widget", plural: "widgets"},
        spec: {group: "demo.example", versions: {v1: {type: "object"}}}}' >"$work/resources/d.json"
    jq -n '{apiVersion: "cup.flipt.io/v1alpha1", kind: "Controller", metadata: {name: "files"},
        spec: {type: "template", spec: {}}}' >"$work/resources/c.json"
    jq -n '{apiVersion: "cup.flipt.io/v1alpha1", kind: "Binding", metadata: {name: "b"},
        spec: {controller: "files", resources: ["demo.example/v1/widgets"]}}' >"$work/resources/b.json"
}

widget() { # NAME COLOUR: prints the path of a file with it
    jq -n --arg name "$1" --arg colour "$2" '{apiVersion: "demo.example/v1", kind: "Widget",
        metadata: {namespace: "default", name: $name}, spec: {colour: $colour}}' >"$work/widget-$1.json"
    echo "$work/widget-$1.json"
}

start_forge() {
    local out
    out=$(mktemp "$work/forge.XXXX")
    forge_log=$out.log
    : >"$forge_log"
    start_program "$out" python3 "$CUP_SOURCE_DIR/tests/support/forge.py" --kind "$1" --repo "$repo" --name "$forge_name" \
        --token "$forge_token" --log "$forge_log" "${@:2}"
    forge_pid=$program_pid
    wait_for "$out" '^url=(.+)$'
    forge=$found
    [[ $forge =~ ^(http://[^/]+) ]]
    forge_origin=${BASH_REMATCH[1]}
}

forge_set() {
    curl -sf -X PUT --data-binary "$2" "$forge_origin/_/$1" >/dev/null
}

forge_state() {
    curl -sf "$forge_origin/_/state" | jq -r "$1"
}

asked() {
    jq -n "[inputs | select($1)] | length" "$forge_log"
}

# A repository with one widget, a forge and a cupd of its own.
new_forge_desk() { # KIND ARG… for the forge
    local desk
    forge_resources
    printf '%s\n' "$forge_token" >"$work/token"
    desk=$(mktemp -d "$work/desk.XXXX")
    repo=$desk/acme/site.git
    mkdir -p "$desk/acme"
    new_bare_repo "$repo" default/demo.example-v1-Widget-one.json <"$(widget one grey)"
    start_forge "$@"
    start_forge_cupd "$1" "$repo"
}

start_forge_cupd() { # KIND REPOSITORY
    start_cupd -api-source git -api-git-repo "$2" -api-data "$work/data" -api-resources "$work/resources" -api-git-scm "$1" \
        -api-git-scm-url "$forge" -api-git-scm-token-file "$work/token"
}

end_forge_desk() {
    stop_cupd
    kill "$forge_pid"
    cat "$work/cupd.log" "$forge_log" >>"$work/all.log"
    holds "requests and answers are as the forge describes its API" \
        python3 "$CUP_SOURCE_DIR/tests/support/forge_api.py" check "${CUP_FORGE_API:-}" "$forge_log"
    grep '^SKIPPED' "$work/check.out" || true
    holds "git fsck finds nothing" git -C "$repo" fsck --strict --no-dangling
}

branches() {
    git -C "$repo" for-each-ref --format='%(refname:lstrip=4)' refs/heads/cup/proposal
}

one_of_each() { # WHAT ID: exactly one branch and one open request
    holds "$1: one branch" test "$(branches)" = "$2"
    holds "$1: one open request, of that branch" \
        test "$(forge_state '[.requests[] | select(.state == "open") | .head] | join(" ")')" = "cup/proposal/$2"
}

forge_story() {
    local kind=$1 source=$1 id again
    new_forge_desk "$kind"
    cup apply -f "$(widget one red)" -o json >"$work/result"
    id=$(jq -r .id "$work/result")
    holds "apply answers with the forge's request" \
        jq -e --arg s "$source" '.proposal.source == $s and (.proposal.url | test("/(pull|pulls|merge_requests)/1$"))' "$work/result"
    one_of_each "after apply" "$id"
    again=$(cup apply -f "$(widget one blue)" -o json | jq -r .id)
    holds "a second apply goes on with it" test "$again" = "$id"
    holds "... by a second commit" test "$(git -C "$repo" rev-list --count "main..cup/proposal/$id")" = 2
    one_of_each "after the second" "$id"
    cup proposal list -o json >"$work/out"
    holds "it is listed" jq -e --arg id "$id" '[.items[] | select(.id == $id and .state == "open")] | length == 1' "$work/out"
    expect_exit 0 cup proposal merge "$id"
    cup get widgets one -o json >"$work/out"
    holds "after the merge get shows the change" jq -e '.spec.colour == "blue"' "$work/out"
    holds "the forge's commit names the proposal" \
        test "$(git -C "$repo" log -1 --format='%(trailers:key=Cup-Proposal,valueonly)' main)" = "$id"
    holds "the branch is gone" test -z "$(branches)"
    expect_exit 0 cup proposal show "$id" -o json
    holds "it is shown as merged, by its commit" \
        jq -e --arg c "$(git -C "$repo" rev-parse main)" '.state == "merged" and .merged == $c' "$stdout"
    expect_exit 6 cup proposal merge "$id"
    expect_exit 6 cup proposal close "$id"
    expect_exit 3 cup proposal show 00000000000000000000000000

    id=$(cup apply -f "$(widget one green)" -o json | jq -r .id)
    expect_exit 0 cup proposal close "$id"
    holds "a closed one's branch is gone" test -z "$(branches)"
    holds "... and the forge has it as closed" test "$(forge_state '.requests[-1].state')" = closed
    end_forge_desk
    holds "the token is nowhere" test "$(grep -c "$forge_token" "$work/all.log" "$work/everything" | grep -vc ':0$')" = 0
}

# How the request is asked for in each API, as regular expressions over "METHOD /path".
forge_routes() {
    case $1 in
    github) find='^GET /repos/[^/]+/[^/]+/pulls$' open='^POST .*/pulls$' merge='^PUT .*/merge$' close='^PATCH .*/pulls/' ;;
    gitea) find='^GET .*/pulls/main/cup/' open='^POST .*/pulls$' merge='^POST .*/merge$' close='^PATCH .*/pulls/' ;;
    gitlab) find='^GET .*/merge_requests$' open='^POST .*/merge_requests$' merge='^PUT .*/merge$' close='^PUT .*/merge_requests/[0-9]+$' ;;
    esac
}

fault() { # ROUTE JSON
    forge_set faults "$(jq -nc --arg on "$1" --argjson rest "$2" '[{on: $on} + $rest]')"
}

# NAME CODE ROUTE JSON: while the fault lasts apply ends with CODE; afterwards, the same apply again: one branch, one
# request, one commit.
open_with_fault() {
    local name=$1 code=$2 id head
    fault "$3" "$4"
    widget "$name" red >/dev/null
    expect_exit "$code" cup apply -f "$work/widget-$name.json" -o json
    forge_set faults '[]'
    expect_exit 0 cup apply -f "$work/widget-$name.json" -o json
    id=$(jq -r .id "$stdout")
    head=cup/proposal/$id
    holds "$name: one branch with one commit, one request of it, and that is open" test \
        "$(git -C "$repo" rev-list --count "main..$head") $(forge_state "[.requests[] | select(.head == \"$head\") | .state] | join(\" \")")" = "1 open"
}

# NAME CODE ROUTE JSON: the same for merging; the last proposal to be opened is merged, once.
merge_with_fault() {
    local name=$1 code=$2 id before
    id=$(cup apply -f "$(widget "$name" red)" -o json | jq -r .id)
    before=$(git -C "$repo" rev-list --first-parent --count main)
    fault "$3" "$4"
    expect_exit "$code" cup proposal merge "$id"
    forge_set faults '[]'
    [ "$code" = 0 ] || expect_exit 0 cup proposal merge "$id"
    holds "$name: merged, once" test "$(git -C "$repo" rev-list --first-parent --count main)" = $((before + 1))
    holds "$name: its branch is gone" test -z "$(git -C "$repo" for-each-ref "refs/heads/cup/proposal/$id")"
}

forge_faults() {
    local kind=$1 find open merge close id
    forge_routes "$kind"
    new_forge_desk "$kind" --page-size 2
    open_with_fault refused 1 "$open" '{"status": 422, "body": {"message": "no, \u001b[2Jthanks"}}'
    holds "the forge's words are shown, made fit" grep -q 'no,.*thanks' "$work/everything"
    holds "... for a terminal" is_plain_text "$work/everything"
    open_with_fault failing 1 "$open" '{"status": 500, "times": 9}'
    open_with_fault failed 0 "$open" '{"status": 500}'
    open_with_fault cut 0 "$open" '{"cut": "before"}'
    open_with_fault lost 0 "$open" '{"cut": "after"}'
    holds "t_adv_42: a request whose answer was lost is found, not made twice" \
        test "$(asked '.method == "POST" and .cut == "after" and .status == 201')" = 1
    open_with_fault half 0 "$open" '{"cut": "middle"}'
    open_with_fault losing 0 "$open" '{"cut": "after", "times": 9}'
    open_with_fault unfound 1 "$find" '{"status": 502, "times": 20}'
    open_with_fault found 0 "$find" '{"status": 503, "headers": {"Retry-After": "1"}}'
    open_with_fault limited 0 "$open" '{"status": 429, "headers": {"Retry-After": "1"}}'
    holds "faults: as many proposals as objects, over pages of two" test "$(branches | wc -l)" = 10
    holds "... all of them listed" test "$(cup proposal list -o json | jq '.items | length')" = "$(branches | wc -l)"

    merge_with_fault m-failing 0 "$merge" '{"status": 500}'
    merge_with_fault m-cut 0 "$merge" '{"cut": "before"}'
    merge_with_fault m-lost 0 "$merge" '{"cut": "after"}'
    merge_with_fault m-moved 0 "$merge" '{"status": 409}'
    merge_with_fault m-denied 4 "$merge" '{"status": 403, "body": {"message": "not you"}}'

    holds "no branch without a request, and no request without a branch" test \
        "$(forge_state '[.requests[] | select(.state == "open") | .head] | sort | join(" ")')" = "$(branches | sed 's,^,cup/proposal/,' | sort | xargs)"

    id=$(cup apply -f "$(widget closing red)" -o json | jq -r .id)
    fault "$close" '{"cut": "after"}'
    expect_exit 0 cup proposal close "$id"
    holds "a close whose answer was lost is one" test "$(forge_state '.requests[-1].state')" = closed
    end_forge_desk
}

# What the forge asks for before it merges is said as what it is, and nothing is merged.
forge_rules() {
    local kind=$1 id other before
    new_forge_desk "$kind"
    id=$(cup apply -f "$(widget one red)" -o json | jq -r .id)
    before=$(git -C "$repo" rev-parse main)
    forge_set settings '{"reviews": true}'
    expect_exit 4 cup proposal merge "$id"
    holds "a missing review is named" grep -Eq 'approv|review' "$stderr"
    forge_set settings '{"reviews": false, "protected": true}'
    expect_exit 4 cup proposal merge "$id"
    holds "nothing was merged" test "$(git -C "$repo" rev-parse main)" = "$before"
    forge_set settings '{"protected": false, "checking": 2, "methods": ["squash"]}'
    expect_exit 0 cup proposal merge "$id"
    holds "a forge that is still looking is waited for, and its way of merging taken" \
        test "$(git -C "$repo" log -1 --format=%P main)" = "$before"
    holds "its branch is gone" test -z "$(branches)"
    forge_set settings '{"methods": ["merge"], "drop_branch": true}'
    id=$(cup apply -f "$(widget one blue)" -o json | jq -r .id)
    expect_exit 0 cup proposal merge "$id"
    holds "a forge that drops branches by itself is fine" test -z "$(branches)"
    end_forge_desk
}

forge_limits() {
    local kind=$1 open find merge close before
    forge_routes "$kind"
    new_forge_desk "$kind"
    fault "$open" "$(jq -n '{status: 429, body: {message: "slow down"}, headers: {"Retry-After": "3600"}}')"
    expect_exit 8 cup apply -f "$(widget one red)"
    holds "a long rate limit is not waited for: it says until when" grep -Eq 'rate limit .*try again at 20[0-9-]+T[0-9:]+Z' "$stderr"
    before=$(asked true)
    expect_exit 8 cup apply -f "$(widget one red)"
    holds "and the forge is left alone until then" test "$(asked true)" = "$before"
    stop_cupd
    start_cupd -api-source git -api-git-repo "$repo" -api-resources "$work/resources" -api-git-scm "$kind" \
        -api-git-scm-url "$forge" -api-git-scm-token wrong-token-0815
    expect_exit 1 cup apply -f "$(widget one red)"
    holds "a bad token is named as that" grep -q 'does not take the token' "$stderr"
    holds "... and not shown" test "$(grep -c wrong-token "$work/everything" "$work/cupd.log" | grep -vc ':0$')" = 0
    end_forge_desk
}
