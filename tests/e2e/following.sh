#!/bin/bash
# cupd keeps up with its branch, on this disk and over HTTP: moved, forced, gone, emptied and back; what /readyz and
# writes say meanwhile; ?atLeast.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/notes.sh"

write_resources "$work/resources"
clone=$work/clone
push_note() { # NAME TEXT
    commit_note "$clone" "$1" "$2"
    git -C "$clone" push -q origin HEAD:main
}
is_served() { # WHAT: until the branch's commit is what /readyz names
    until_ready "$1" ".error == null and .commit == \"$(head_of "$repo")\""
}
serve() { # URL ARG…
    start_cupd -api-source git -api-git-scm plain -api-git-poll 100ms -api-data "$work/data" \
        -api-resources "$work/resources" -api-git-repo "$@"
}

# KIND URL: the repository $repo is served from URL
follow() {
    local kind=$1 url=$2 last id flips a b
    rm -rf "$clone" "$work/data"
    git clone -q "$repo" "$clone"
    serve "$url"

    # --- ready, and what it says
    holds "$kind: /readyz is 200" test "$(code "$CUP_ADDRESS/readyz")" = 200
    holds "... and names commit, branch and source" jq -e --arg c "$(head_of "$repo")" --arg s "$url" \
        '.ready and .commit == $c and .branch == "main" and .source == $s and .error == null and (.age | type == "number")' "$work/body"
    holds "... metrics count the looks" test "$(metric cup_source_fetches_total)" -gt 0
    holds "... and have the age" grep -Eq '^[0-9]' <(metric cup_source_age_seconds)

    # --- the branch moves
    push_note two second
    is_served "$kind: a push is followed"
    holds "... its object is there" test "$(get_note two)" = 200

    # --- forced: history that was never there before
    git -C "$clone" checkout -q --orphan other
    rm "$clone/$(note_file two)"
    commit_note "$clone" one rewritten
    git -C "$clone" push -qf origin HEAD:main
    is_served "t_adv_43_forced, $kind: another history is taken over whole"
    holds "... its object is the new one" test "$(get_note one)" = 200
    holds "... with the new text" grep -q rewritten "$work/body"
    holds "... and the other is gone" test "$(get_note two)" = 404

    # --- gone
    last=$(head_of "$repo")
    git -C "$repo" update-ref -d refs/heads/main
    until_ready "t_adv_43_deleted, $kind: /readyz tells that the branch is gone" '.error != null'
    holds "... is still 200" test "$ready_code" = 200
    holds "... names the branch and the last commit" jq -e --arg c "$last" '(.error | test("main")) and .commit == $c' "$work/body"
    holds "... reads go on" test "$(get_note one)" = 200
    holds "... a put is 503" test "$(put_note one changed)" = 503
    holds "... that says why" jq -e '.reason == "ServiceUnavailable" and (.message | test("main"))' "$work/body"
    holds "... and when to come back" grep -qi '^retry-after:' "$work/head"
    holds "... nothing was written" test -z "$(git -C "$repo" for-each-ref)"
    holds "... metrics say so" test "$(metric cup_source_failing)" = 1
    holds "... the log says so once" test "$(grep -c 'branch cannot be read: serving the last good commit' "$work/cupd.log")" = 1

    # --- back, unaided
    git -C "$repo" update-ref refs/heads/main "$last"
    until_ready "t_adv_43_back, $kind: it recovers unaided" '.error == null'
    holds "... and says so" grep -q 'branch is followed again' "$work/cupd.log"
    holds "... a put is 202" test "$(put_note one changed)" = 202
    id=$(jq -r .id "$work/body")
    expect_exit 0 cup proposal close "$id"

    # --- renamed, then another branch under the old name
    git -C "$repo" branch -m main trunk
    until_ready "t_adv_43_renamed, $kind: a renamed branch is gone, too" '.error != null'
    git -C "$repo" branch main trunk
    until_ready "... and back" '.error == null'

    # --- emptied: a commit without any file
    git -C "$clone" rm -qrf .
    git -C "$clone" commit -qm empty
    git -C "$clone" push -q origin HEAD:main
    is_served "t_adv_43_emptied, $kind: a commit without files is served"
    holds "... the list is empty" test "$(code "$CUP_ADDRESS$notes")" = 200
    holds "... quite" test ! -s "$work/body"
    holds "... and takes a put" test "$(put_note three third)" = 202
    id=$(jq -r .id "$work/body")
    expect_exit 0 cup proposal merge "$id"
    holds "a merge is seen by the next read" test "$(get_note three)" = 200

    # --- readers never see half of a forced push, or an error, while it happens
    a=$(head_of "$repo")
    b=$(git -C "$repo" rev-list main | tail -n1)
    (for _ in $(seq 1 20); do
        git -C "$repo" update-ref refs/heads/main "$b"
        git -C "$repo" update-ref refs/heads/main "$a"
    done) &
    flips=$!
    for _ in $(seq 1 20); do get_note one; echo; get_note three; echo; done >"$work/codes"
    wait "$flips"
    holds "t_adv_43_flips, $kind: each read is one commit's answer" test -z "$(grep -v -e 200 -e 404 "$work/codes")"
    is_served "... and in the end it is the last one's"
    stop_cupd
    holds "... cupd stops cleanly" test "$cupd_exit" = 0
    holds "... git fsck --strict is content" git -C "$repo" fsck --strict --no-dangling
}

repo=$work/notes.git
new_note_repo "$repo"
follow disk "$repo"
on_disk=$repo

mkdir -p "$work/srv/team"
start_git_http "$work/srv"
repo=$work/srv/team/notes.git
new_note_repo "$repo"
follow http "$git_url/team/notes.git"

# --- the branch points to something that is not there
repo=$on_disk
serve "$repo"
last=$(head_of "$repo")
echo 1234567890123456789012345678901234567890 >"$repo/refs/heads/main"
until_ready "t_adv_43_damaged: a branch without its commit leaves the last one" ".error != null and .commit == \"$last\""
holds "... reads go on" test "$(get_note three)" = 200
echo "$last" >"$repo/refs/heads/main"
until_ready "... and back" '.error == null'
stop_cupd

# --- ?atLeast
rm -rf "$clone"
git clone -q -b main "$repo" "$clone" # whose HEAD went with the name
serve "$repo" -api-git-poll 1h
holds "atLeast wants a commit id" test "$(get_note one '?atLeast=main')" = 400
push_note four fourth
holds "with a long poll interval a read is of the old commit" test "$(get_note four)" = 404
holds "?atLeast of the new one waits for it" test "$(get_note four "?atLeast=$(head_of "$repo")")" = 200
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
holds "... and refuses atLeast" test "$(get_note four "?atLeast=$last")" = 400
holds "... as not versioned" jq -e '.reason == "NotVersioned"' "$work/body"
stop_cupd

# --- no such branch at the start
expect_exit 1 cupd serve -api-address 127.0.0.1:0 -api-source git -api-git-repo "$repo" -api-git-branch nothing -api-resources "$work/resources"
holds "a start without the branch fails and names it" grep -q "nothing" "$stdout"
done_testing
