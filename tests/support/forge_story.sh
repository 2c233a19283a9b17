# The story of a change with a forge, for tests/e2e/forge-*.sh: `forge_story KIND` runs it over tests/support/forge.py,
# and then once more for each fault, at each step. To be sourced after lib.sh.
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
    desk=$(mktemp -d "$work/desk.XXXX")
    repo=$desk/acme/site.git
    mkdir -p "$desk/acme"
    new_bare_repo "$repo" default/demo.example-v1-widget-one.json <"$(widget one grey)"
    start_forge "$@"
    start_cupd -api-source git -api-git-repo "$repo" -api-resources "$work/resources" -api-git-scm "$1" \
        -api-git-scm-url "$forge" -api-git-scm-token-file "$work/token"
}

end_forge_desk() {
    stop_cupd
    kill "$forge_pid"
    cat "$work/cupd.log" "$forge_log" >>"$work/all.log"
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
    forge_resources
    printf '%s\n' "$forge_token" >"$work/token"
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
