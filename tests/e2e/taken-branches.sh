#!/bin/bash
# A repository in which the names of proposals' branches are taken already, by whomever: a clear 409, nothing forced.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/forge_story.sh"

refs() { git -C "$repo" for-each-ref --format='%(refname) %(objectname)'; }

# KIND, or "plain"
names_are_taken() {
    local kind=$1 taken before id
    if [ "$kind" = plain ]; then
        new_plain_desk
    else
        new_forge_desk "$kind"
    fi
    for taken in cup cup/proposal; do
        git -C "$repo" branch "$taken" main
        before=$(refs)
        expect_exit 5 cup apply -f "$(widget one red)"
        holds "t_adv_39: $kind: a branch '$taken' is in the way, which is said" grep -q "'refs/heads/$taken'" "$stderr"
        holds "... and no ref moved" test "$(refs)" = "$before"
        git -C "$repo" branch -D "$taken" >/dev/null
    done

    # the id that this very request will get, by trying it and taking it back
    id=$(put_with_key | jq -r .id)
    expect_exit 0 cup proposal close "$id"
    git -C "$repo" update-ref -d "refs/cup/closed/$id"
    [ "$kind" = plain ] || forge_set forget '{}'
    git -C "$repo" branch "cup/proposal/$id" "$(git -C "$repo" commit-tree -p main -m foreign 'main^{tree}')"
    before=$(refs)
    put_with_key >"$work/out"
    holds "t_adv_39: $kind: a branch of the same id that is not ours is a conflict" jq -e --arg id "$id" \
        '.code == 409 and (.message | contains($id))' "$work/out"
    holds "... and no ref moved" test "$(refs)" = "$before"
    if [ "$kind" = plain ]; then stop_cupd; else end_forge_desk; fi
}

put_with_key() {
    curl -s -X PUT -H 'Idempotency-Key: the-key' -H 'Content-Type: application/json' --data-binary "@$(widget one red)" \
        "$CUP_ADDRESS/apis/demo.example/v1/namespaces/default/widgets/one"
}

new_plain_desk() {
    forge_resources
    repo=$work/plain.git
    new_bare_repo "$repo" default/demo.example-v1-Widget-one.json <"$(widget one grey)"
    start_cupd -api-source git -api-git-repo "$repo" -api-resources "$work/resources"
}

names_are_taken plain
names_are_taken gitlab
done_testing
