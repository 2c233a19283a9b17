#!/bin/bash
# What a write is: preconditions, sets of changes, messages and trailers, retries, which proposal it goes to.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/writes.sh"

repo=$work/widgets.git
widgets_repo "$repo" a b c d e f
widgets_resources "$work/resources"
start_cupd -api-source git -api-git-repo "$repo" -api-resources "$work/resources" \
    -api-git-author 'Ann Example <ann@example.com>'
git_log() { git -C "$repo" log -1 --format="$1" "cup/proposal/$(id)"; }
is() { holds "$1" test "$2" = "$3"; }

# --- the commit
put a 1
is "a put is 202" "$status" 202
is "its title is upstream's" "$(git_log %s)" "feat: update demo.example/v1/Widget default/a"
is "its author is the configured one" "$(git_log '%an <%ae>')" "Ann Example <ann@example.com>"
is "its committer is cup" "$(git_log '%cn <%ce>')" "cup <cup@flipt.io>"
is "trailers name object and controller" "$(git_log '%(trailers:only)' | xargs)" \
    "Cup-Object: demo.example/v1/Widget default/a Cup-Controller: files"
first=$(id)

# --- messages
query='?message=Raise%20the%20size%0A%0AAs%20asked.%0A%0ACup-Object%3A%20demo.example%2Fv1%2FWidget%20default%2Fz%0ASigned-off-by%3A%20x'
put b 1
query=
is "a message is title and text" "$(git_log %s)" "Raise the size"
is "t_adv_31: what a message says is no trailer" "$(git_log '%(trailers)' | grep -c 'default/z\|Signed-off')" 0
holds "... but stays in its text" grep -q 'Signed-off-by: x' <(git_log %B)
is "... and the object is still named" "$(git_log '%(trailers:key=Cup-Object,valueonly)')" "demo.example/v1/Widget default/b"
query='?message=a%1Bb'
put c 1
is "t_adv_31: a message with control characters is 422" "$status" 422
query='?message=%20%0A'
put c 1
is "an empty message is 422" "$status" 422
query=
is "... and no branch was made" "$(branches | wc -l)" 2

# --- preconditions
put c 1 -H 'If-Match: "0000"'
is "If-Match with another version is 412" "$status" 412
holds "... and says so" jq -e '.reason == "PreconditionFailed" and .code == 412' "$work/out"
put nothing 1 -H 'If-Match: *'
is "If-Match: * of what is not there is 412" "$status" 412
put c 1 -H 'If-None-Match: *'
is "If-None-Match: * of what is there is 412" "$status" 412
put c 1 -H 'If-None-Match: "x"'
is "If-None-Match of a version makes no sense: 400" "$status" 400
put c 1 -H 'If-Match: W/"x"'
is "a weak tag never matches" "$status" 412
delete c -H 'If-Match: "0000"'
is "delete has preconditions, too" "$status" 412
request PUT "$widgets/c" --data-binary '{"metadata":{"resourceVersion":"0000"},"spec":{"size":1}}' -H 'Content-Type: application/json'
is "a resourceVersion that is not the current one is 409" "$status" 409
request PUT "$widgets/c" --data-binary '{"metadata":{"resourceVersion":"0000","uid":"x","generation":3,"managedFields":[]},"status":{},"spec":{"size":0}}' \
    -H 'Content-Type: application/json' -H "If-Match: \"$(version c)\""
is "... also beside an If-Match that is" "$status" 409
is "none of them left a branch" "$(branches | wc -l)" 2
put c 1 -H "If-Match: \"$(version c)\""
is "If-Match with the current version is taken" "$status" 202
put c 2 -H "If-Match: \"$(version c)\""
is "the open proposal's version counts, not the target's" "$status" 412
holds "... and the answer names the proposal" grep -q "proposal=" "$work/out"
query='?proposal=new'
put c 2 -H "If-Match: \"$(version c)\""
query=
is "... another proposal starts from the target" "$status" 202
put new 1 -H 'If-None-Match: *'
is "If-None-Match: * creates" "$status" 202
jq -n --arg v "$(version d)" '{metadata: {resourceVersion: $v, uid: "u", creationTimestamp: "t"}, spec: {size: 1}, status: {x: 1}}' >"$work/d.json"
request PUT "$widgets/d" --data-binary "@$work/d.json" -H 'Content-Type: application/json'
is "the server's own members are taken off" "$status" 202
is "... none of them is stored" "$(git -C "$repo" show "cup/proposal/$(id):default/demo.example-v1-Widget-d.json" | jq -c '.metadata, .status, .spec')" \
    '{"namespace":"default","name":"d","labels":null,"annotations":null}
null
{"size":1}'

# --- which proposal
query="?proposal=$first"
put b 3
is "a change can go to a proposal by its id" "$(id)" "$first"
query="?proposal=01ARZ3NDEKTSV4RRFFQ69G5FAV"
put b 3
is "... which must be there" "$status" 404
query="?proposal=nonsense"
put b 3
is "... and be one" "$status" 400
query=
put a 5
is "an object of several proposals goes to the newest that has it" "$(id)" "$first"
put a 0
put b 0
is "a proposal goes on as long as something of it is left" "$(git -C "$repo" rev-list --count "main..cup/proposal/$first")" 4

# --- sets
before=$(branches | wc -l)
changes <<'JSON'
{"message": "Two at once", "changes": [
  {"op": "put", "object": {"apiVersion": "demo.example/v1", "kind": "Widget", "metadata": {"namespace": "default", "name": "e"}, "spec": {"size": 7}}},
  {"op": "delete", "namespace": "default", "object": {"apiVersion": "demo.example/v1", "kind": "Widget", "metadata": {"name": "f"}}}
]}
JSON
is "a set is 202" "$status" 202
set=$(id)
is "... one commit" "$(git -C "$repo" rev-list --count "main..cup/proposal/$set")" 1
is "... with its title" "$(git_log %s)" "Two at once"
is "... that names both objects" "$(git_log '%(trailers:key=Cup-Object,valueonly)' | xargs)" "demo.example/v1/Widget default/e demo.example/v1/Widget default/f"
is "... and changes both files" "$(git -C "$repo" diff --name-status main "cup/proposal/$set" | cut -f1 | xargs)" "M D"
request GET "/apis/cup.flipt.io/v1alpha1/proposals/$set"
put e 8
is "a change of one of its objects goes on with it" "$(id)" "$set"
changes <<'JSON'
{"changes": [
  {"op": "put", "object": {"apiVersion": "demo.example/v1", "kind": "Widget", "metadata": {"namespace": "default", "name": "e"}, "spec": {"size": 9}}},
  {"op": "put", "object": {"apiVersion": "demo.example/v1", "kind": "Widget", "metadata": {"namespace": "default", "name": "g"}, "spec": {"size": 9}}}
]}
JSON
holds "a set of which no proposal has all is a new one" test "$(id)" != "$set"
is "... over the target" "$(git -C "$repo" rev-list --count "main..cup/proposal/$(id)")" 1
is "... with a title of ours" "$(git_log %s)" "feat: update 2 objects"

# refused as a whole; each row: what, status, the field of the cause, JSON
before=$(git -C "$repo" for-each-ref | sha256sum)
good='{"op":"put","object":{"apiVersion":"demo.example/v1","kind":"Widget","metadata":{"namespace":"default","name":"good"},"spec":{"size":1}}}'
refused() {
    changes <<<"{\"changes\":[$good,$4]}"
    is "a set with $1 is $2" "$status" "$2"
    holds "... and says which one" jq -e --arg f "$3" '(.message | contains("changes[1]")) and ($f == "" or .details.causes[0].field == $f)' "$work/out"
}
refused "what breaks the schema" 422 'changes[1].object.spec.size' \
    '{"op":"put","object":{"apiVersion":"demo.example/v1","kind":"Widget","metadata":{"namespace":"default","name":"bad"},"spec":{"size":"x"}}}'
refused "a kind that nobody serves" 404 '' '{"op":"put","object":{"apiVersion":"demo.example/v1","kind":"Gadget","metadata":{"namespace":"default","name":"x"}}}'
refused "a name that is none" 422 '' '{"op":"put","object":{"apiVersion":"demo.example/v1","kind":"Widget","metadata":{"namespace":"default","name":"../x"}}}'
refused "a delete of nothing" 404 'changes[1]' '{"op":"delete","object":{"apiVersion":"demo.example/v1","kind":"Widget","metadata":{"namespace":"default","name":"nothing"}}}'
refused "the same object twice" 422 'changes[1]' "$good"
refused "a stale version" 409 'changes[1]' '{"op":"delete","object":{"apiVersion":"demo.example/v1","kind":"Widget","metadata":{"namespace":"default","name":"a","resourceVersion":"0"}}}'
refused "a condition that fails" 412 'changes[1]' '{"op":"delete","ifMatch":"0","object":{"apiVersion":"demo.example/v1","kind":"Widget","metadata":{"namespace":"default","name":"a"}}}'
refused "a create of what is there" 412 'changes[1]' '{"op":"put","ifNoneMatch":"*","object":{"apiVersion":"demo.example/v1","kind":"Widget","metadata":{"namespace":"default","name":"a"}}}'
refused "another operation" 400 '' '{"op":"patch","object":{}}'
refused "an unknown member" 400 '' '{"op":"put","objekt":{}}'
refused "no object" 400 '' '{"op":"put"}'
changes <<<'{"changes":[]}'
is "an empty set is 400" "$status" 400
changes <<<"{\"changes\":[$good]}" -H 'If-Match: *'
is "If-Match of a set is 400" "$status" 400
changes < <(jq -nc '{changes: [range(1001) | {op: "put", object: {}}]}')
is "too many changes are 413" "$status" 413
is "none of these moved a ref" "$(git -C "$repo" for-each-ref | sha256sum)" "$before"

# --- dry runs
query='?dryRun=All'
changes <<<"{\"changes\":[$good]}"
is "a dry run of a set is 202" "$status" 202
is "... with the id of none" "$(id)" 00000000000000000000000000
put a 77
is "a dry run of a put is 202" "$status" 202
put d 1
is "a dry run of what the open proposal has already is 204" "$status" 204
query=
is "... nothing moved" "$(git -C "$repo" for-each-ref | sha256sum)" "$before"

# --- the same request again
changes <<<"{\"changes\":[$good]}" -H 'Idempotency-Key: k1'
is "a set with a key is 202" "$status" 202
keyed=$(id)
before=$(git -C "$repo" for-each-ref | sha256sum)
changes <<<"{\"changes\":[$good]}" -H 'Idempotency-Key: k1'
is "... again it is the same proposal" "$(id)" "$keyed"
is "... and nothing moved" "$(git -C "$repo" for-each-ref | sha256sum)" "$before"
put d 2 -H 'Idempotency-Key: k2'
extended=$(id)
put d 3
put d 2 -H 'Idempotency-Key: k2'
is "a key that went on with a proposal is known there" "$(id)" "$extended"
is "... and does not undo what came after it" "$(git -C "$repo" show "cup/proposal/$extended:default/demo.example-v1-Widget-d.json" | jq .spec.size)" 3
request POST "/apis/cup.flipt.io/v1alpha1/proposals/$keyed/merge"
changes <<<"{\"changes\":[$good]}" -H 'Idempotency-Key: k1'
is "after the merge it still is" "$(id)" "$keyed"
delete good
gone=$(id)
delete good
is "a delete that the open proposal has is that proposal" "$(id)" "$gone"

holds "git finds nothing wrong" sound
stop_cupd

# --- a directory
git clone -q "$repo" "$work/files"
start_cupd -api-local-path "$work/files" -api-resources "$work/resources"
changes <<<"{\"changes\":[$good,{\"op\":\"delete\",\"object\":{\"apiVersion\":\"demo.example/v1\",\"kind\":\"Widget\",\"metadata\":{\"namespace\":\"default\",\"name\":\"nothing\"}}}]}"
is "a set of a directory is refused as a whole, too" "$status" 404
before=$(cd "$work/files" && git status --porcelain)
put a 9 -H 'If-Match: "0"'
is "a directory's objects have versions" "$status" 412
is "... nothing is written" "$(cd "$work/files" && git status --porcelain)" "$before"
changes <<<"{\"changes\":[$(sed s/good/n1/ <<<"$good"),$(sed s/good/n2/ <<<"$good")]}"
is "... and sets" "$(id)" 00000000000000000000000000
holds "... both files are there" test -f "$work/files/default/demo.example-v1-Widget-n1.json" -a -f "$work/files/default/demo.example-v1-Widget-n2.json"
done_testing
