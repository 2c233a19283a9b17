#!/bin/bash
# cupd keeps up with its branch: moved, forced, gone, emptied and back; what /readyz and writes say meanwhile.
. "$(dirname "$0")/../support/lib.sh"

mkdir -p "$work/resources"
cat >"$work/resources/all.json.parts" <<'JSON'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"ResourceDefinition","metadata":{"name":"notes.example.com"},"names":{"kind":"Note","singular":"note","plural":"notes"},"spec":{"group":"example.com","versions":{"v1":{"type":"object"}}}}
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"Controller","metadata":{"name":"files"},"spec":{"type":"template","spec":{}}}
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"Binding","metadata":{"name":"notes"},"spec":{"controller":"files","resources":["example.com/v1/notes"]}}
JSON
split -l 1 --additional-suffix=.json "$work/resources/all.json.parts" "$work/resources/part-"
rm "$work/resources/all.json.parts"

note() { # NAME TEXT
    printf '{"apiVersion":"example.com/v1","kind":"Note","metadata":{"namespace":"default","name":"%s"},"spec":{"text":"%s"}}\n' "$1" "$2"
}
repo=$work/notes.git
note one first | new_bare_repo "$repo" default/example.com-v1-Note-one.json
clone=$work/clone
git clone -q "$repo" "$clone"
push_note() { # NAME TEXT [PUSH-OPTION…]
    note "$1" "$2" >"$clone/default/example.com-v1-Note-$1.json"
    git -C "$clone" add .
    git -C "$clone" commit -qm "$1 $2"
    git -C "$clone" push -q "${@:3}" origin HEAD:main
}

code() { # CURL-ARG…; the body is in $work/body, the head in $work/head
    curl -s -o "$work/body" -D "$work/head" -w '%{http_code}' "$@"
}
notes=/apis/example.com/v1/namespaces/default/notes
get_note() { # NAME [QUERY]
    code "$CUP_ADDRESS$notes/$1${2:-}"
}
put_note() { # NAME TEXT
    note "$1" "$2" | code -X PUT -H 'Content-Type: application/json' --data-binary @- "$CUP_ADDRESS$notes/$1"
}
until_ready() { # WHAT JQ: until /readyz is so
    local try
    for try in $(seq 1 200); do
        ready_code=$(code "$CUP_ADDRESS/readyz")
        ! jq -e "$2" "$work/body" >/dev/null || {
            passed "$1"
            return
        }
        sleep 0.05
    done
    cat "$work/body"
    fail "$1: /readyz never said $2"
}
head_of() {
    git -C "$repo" rev-parse main
}

start_cupd -api-source git -api-git-repo "$repo" -api-git-poll 50ms -api-resources "$work/resources"

# --- ready, and what it says
holds "/readyz is 200" test "$(code "$CUP_ADDRESS/readyz")" = 200
holds "... and names commit, branch and source" jq -e --arg c "$(head_of)" --arg s "$repo" \
    '.ready and .commit == $c and .branch == "main" and .source == $s and .error == null and (.age | type == "number")' "$work/body"
holds "metrics count the looks" grep -Eq '^cup_source_fetches_total [1-9]' <(curl -s "$CUP_ADDRESS/metrics")
holds "... and have the age" grep -Eq '^cup_source_age_seconds [0-9]' <(curl -s "$CUP_ADDRESS/metrics")

# --- the branch moves
push_note two second
until_ready "a push is followed" ".commit == \"$(head_of)\""
holds "its object is there" test "$(get_note two)" = 200

# --- forced: history that was never there before
git -C "$clone" checkout -q --orphan other
note one rewritten >"$clone/default/example.com-v1-Note-one.json"
git -C "$clone" rm -qf --cached default/example.com-v1-Note-two.json
rm "$clone/default/example.com-v1-Note-two.json"
git -C "$clone" add .
git -C "$clone" commit -qm rewritten
git -C "$clone" push -qf origin HEAD:main
until_ready "t_adv_43_forced: another history is taken over whole" ".commit == \"$(head_of)\""
holds "... its object is the new one" test "$(get_note one)" = 200
holds "... with the new text" grep -q rewritten "$work/body"
holds "... and the other is gone" test "$(get_note two)" = 404

# --- gone
last=$(head_of)
git -C "$repo" update-ref -d refs/heads/main
until_ready "t_adv_43_deleted: /readyz tells that the branch is gone" '.error != null'
holds "... is still 200" test "$ready_code" = 200
holds "... names the branch and the last commit" jq -e --arg c "$last" '(.error | test("main")) and .commit == $c' "$work/body"
holds "... reads go on" test "$(get_note one)" = 200
holds "... a put is 503" test "$(put_note one changed)" = 503
holds "... that says why" jq -e '.reason == "ServiceUnavailable" and (.message | test("main"))' "$work/body"
holds "... and when to come back" grep -qi '^retry-after:' "$work/head"
holds "... nothing was written" test -z "$(git -C "$repo" for-each-ref)"
holds "... metrics say so" grep -q '^cup_source_failing 1' <(curl -s "$CUP_ADDRESS/metrics")
holds "... the log says so once" test "$(grep -c 'branch cannot be read: serving the last good commit' "$work/cupd.log")" = 1

# --- back, unaided
git -C "$repo" update-ref refs/heads/main "$last"
until_ready "t_adv_43_back: it recovers unaided" '.error == null'
holds "... and says so" grep -q 'branch is followed again' "$work/cupd.log"
holds "... a put is 202" test "$(put_note one changed)" = 202

# --- renamed, then another branch under the old name
git -C "$repo" branch -m main trunk
until_ready "t_adv_43_renamed: a renamed branch is gone, too" '.error != null'
git -C "$repo" branch main trunk
until_ready "... and back" '.error == null'

# --- emptied: a commit without any file
git -C "$clone" rm -qrf .
git -C "$clone" commit -qm empty
git -C "$clone" push -q origin HEAD:main
until_ready "t_adv_43_emptied: a commit without files is served" ".commit == \"$(head_of)\""
holds "... the list is empty" test "$(code "$CUP_ADDRESS$notes")" = 200
holds "... quite" test ! -s "$work/body"
holds "... and takes a put" test "$(put_note three third)" = 202
id=$(jq -r .id "$work/body")
expect_exit 0 cup proposal merge "$id"
holds "a merge is seen by the next read" test "$(get_note three)" = 200

# --- the branch points to something that is not there
last=$(head_of)
echo 1234567890123456789012345678901234567890 >"$repo/refs/heads/main"
until_ready "t_adv_43_damaged: a branch without its commit leaves the last one" ".error != null and .commit == \"$last\""
holds "... reads go on" test "$(get_note three)" = 200
echo "$last" >"$repo/refs/heads/main"
until_ready "... and back" '.error == null'

# --- readers never see half of a forced push, or an error, while it happens
a=$(head_of)
b=$(git -C "$repo" rev-parse "$(git -C "$repo" rev-list main | tail -n1)")
(for i in $(seq 1 60); do
    git -C "$repo" update-ref refs/heads/main "$b"
    git -C "$repo" update-ref refs/heads/main "$a"
done) &
flips=$!
for i in $(seq 1 120); do get_note one; echo; get_note three; echo; done >"$work/codes"
wait "$flips"
holds "t_adv_43_flips: each read is one commit's answer" test -z "$(grep -v -e 200 -e 404 "$work/codes")"

# --- ?atLeast
holds "atLeast wants a commit id" test "$(get_note one '?atLeast=main')" = 400
stop_cupd
holds "cupd stops cleanly" test "$cupd_exit" = 0
start_cupd -api-source git -api-git-repo "$repo" -api-git-poll 1h -api-resources "$work/resources"
git -C "$clone" pull -q --rebase origin main
push_note four fourth
holds "with a long poll interval a read is of the old commit" test "$(get_note four)" = 404
holds "?atLeast of the new one waits for it" test "$(get_note four "?atLeast=$(head_of)")" = 200
holds "... and then all reads have it" test "$(get_note four)" = 200
holds "?atLeast of an earlier one is fine" test "$(get_note four "?atLeast=$(git -C "$repo" rev-parse main~1)")" = 200
holds "?atLeast of one that never comes is 503" \
    test "$(get_note four '?atLeast=1234567890123456789012345678901234567890')" = 503
holds "... with Retry-After" grep -qi '^retry-after:' "$work/head"
holds "... and names the commit" grep -q 1234567890123456789012345678901234567890 "$work/body"
stop_cupd

# --- a directory has no commits
start_cupd -api-local-path "$clone" -api-resources "$work/resources"
holds "a directory is ready" test "$(code "$CUP_ADDRESS/readyz")" = 200
holds "... without a commit" jq -e '.ready and .commit == null' "$work/body"
holds "... and refuses atLeast" test "$(get_note four "?atLeast=$a")" = 400
holds "... as not versioned" jq -e '.reason == "NotVersioned"' "$work/body"
stop_cupd

# --- no such branch at the start
expect_exit 1 cupd serve -api-address 127.0.0.1:0 -api-source git -api-git-repo "$repo" -api-git-branch nothing -api-resources "$work/resources"
holds "a start without the branch fails and names it" grep -q "nothing" "$stdout"
git -C "$repo" fsck --strict --no-dangling >/dev/null
holds "git fsck --strict is content" git -C "$repo" fsck --strict --no-dangling
done_testing
