#!/bin/bash
# A remote over HTTP that is down at the start, goes away, hangs and comes back: what is served meanwhile, what
# is refused, and that nothing of the password is said anywhere.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/notes.sh"

write_resources "$work/resources"
canary=canary$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
repo=$work/srv/team/notes.git
mkdir -p "$work/srv/team"
new_note_repo "$repo"
clone=$work/clone
git clone -q "$repo" "$clone"
push_note() { # NAME
    git -C "$clone" pull -q origin main
    commit_note "$clone" "$1" pushed
    git -C "$clone" push -q origin HEAD:main
}
serve_git() { # ARG…
    start_git_http "$work/srv" --user me --password "$canary" "$@"
    git_pid=$program_pid
}
stop_git() {
    kill "$git_pid"
    wait "$git_pid" 2>/dev/null || true
}
flags=(-api-source git -api-git-scm plain -api-git-username me -api-git-timeout 3s -api-git-poll 200ms -api-resources "$work/resources")
export CUPD_API_GIT_PASSWORD=$canary
serve() { # ARG…
    start_cupd "${flags[@]}" -api-git-repo "$url" -api-data "$work/data" "$@"
}
# A port that is ours again later.
serve_git
port=${git_url##*:}
url=$git_url/team/notes.git
stop_git

# --- down at the start, nothing known
serve
holds "t_adv_44_start: without its remote cupd starts" test "$(code "$CUP_ADDRESS/healthz")" = 200
holds "... and is not ready" test "$(code "$CUP_ADDRESS/readyz")" = 503
holds "... which names remote and reason" jq -e --arg u "$url" '(.ready | not) and .source == $u and .commit == null and .age == null and (.error | test("127.0.0.1"))' "$work/body"
holds "... a read is 503" test "$(get_note one)" = 503
holds "... with the reason" jq -e '.reason == "ServiceUnavailable" and (.message | test("127.0.0.1"))' "$work/body"
holds "... and when to come back" grep -qi '^retry-after:' "$work/head"
holds "... so is a list" test "$(code "$CUP_ADDRESS$notes")" = 503
holds "... a read of a revision" test "$(get_note one '?revision=main')" = 503
holds "... a write" test "$(put_note one changed)" = 503
holds "... a delete" test "$(code -X DELETE "$CUP_ADDRESS$notes/one")" = 503
holds "... while kinds are known" test "$(code "$CUP_ADDRESS/apis")" = 200
holds "... and unknown ones are 404" test "$(code "$CUP_ADDRESS/apis/example.com/v1/namespaces/default/others/one")" = 404
serve_git --port "$port"
until_ready "t_adv_44_start: it recovers unaided" ".ready and .error == null and .commit == \"$(head_of "$repo")\""
holds "... and reads" test "$(get_note one)" = 200
push_note two
until_ready "a push is followed by polling" ".commit == \"$(head_of "$repo")\""
holds "... and read" test "$(get_note two)" = 200

# --- a change and its merge are there for the next read
holds "a put becomes a branch at the remote" test "$(put_note three third)" = 202
id=$(jq -r .id "$work/body")
holds "... which is there" git -C "$repo" rev-parse -q --verify "refs/heads/cup/proposal/$id"
holds "... and read through the proposal at once" test "$(get_note three "?proposal=$id")" = 200
expect_exit 0 cup proposal merge "$id"
holds "a merge is read at once" test "$(get_note three)" = 200
holds "... and is the remote's branch" jq -e --arg c "$(head_of "$repo")" '.commit == $c' <(curl -s "$CUP_ADDRESS/readyz")

# --- another replica with a clone of its own, which is not asked to look
first=$CUP_ADDRESS first_pid=$cupd_pid
cp "$work/cupd.log" "$work/first.log" # start_cupd begins it anew
start_cupd "${flags[@]}" -api-git-repo "$url" -api-data "$work/data2" -api-git-poll 1h
second=$CUP_ADDRESS second_pid=$cupd_pid
CUP_ADDRESS=$first
holds "another change by the first" test "$(put_note four fourth)" = 202
id=$(jq -r .id "$work/body")
CUP_ADDRESS=$second
holds "the other reads through the new proposal" test "$(get_note four "?proposal=$id")" = 200
holds "... an unknown one is still 404" test "$(get_note four '?proposal=01ARZ3NDEKTSV4RRFFQ69G5FAV')" = 404
CUP_ADDRESS=$first
holds "another change by the first" test "$(put_note elsewhere fourth)" = 202
other=$(jq -r .id "$work/body")
holds "... and one more" test "$(put_note unwanted fourth)" = 202
unwanted=$(jq -r .id "$work/body")
CUP_ADDRESS=$second
expect_exit 0 cup proposal show "$other"
expect_exit 0 cup proposal close "$unwanted"
expect_exit 3 cup proposal show 01ARZ3NDEKTSV4RRFFQ69G5FAV
expect_exit 3 cup proposal close 01ARZ3NDEKTSV4RRFFQ69G5FAV
CUP_ADDRESS=$first
expect_exit 0 cup proposal merge "$id"
head=$(head_of "$repo")
CUP_ADDRESS=$second
holds "a replica that has not looked does not have it" test "$(get_note four)" = 404
holds "... but gets it for ?atLeast" test "$(get_note four "?atLeast=$head")" = 200
push_note late
holds "... and a newer commit for ?revision" test "$(get_note late "?revision=$(head_of "$repo")")" = 200
kill "$second_pid"
wait "$second_pid" || true
export CUP_ADDRESS=$first
cupd_pid=$first_pid

# --- away
stop_git
until_ready "t_adv_44_later: /readyz tells that the remote is gone" '.error != null'
holds "... is still 200" test "$ready_code" = 200
holds "... reads go on" test "$(get_note four)" = 200
holds "... a put is 503" test "$(put_note one changed)" = 503
holds "... with the reason" grep -q '127.0.0.1' "$work/body"
holds "... a delete, too" test "$(code -X DELETE "$CUP_ADDRESS$notes/one")" = 503
holds "... metrics say so" test "$(metric cup_source_failing)" = 1
holds "... ?atLeast of what is known is fine" test "$(get_note four "?atLeast=$head")" = 200
holds "... of what is not: 503" test "$(get_note four '?atLeast=1234567890123456789012345678901234567890')" = 503
serve_git --port "$port"
until_ready "t_adv_44_later: it recovers unaided" '.error == null and .age < 60'
holds "... a put is 202" test "$(put_note one changed)" = 202

# --- hanging: no answer, and no end
branches() {
    git -C "$repo" for-each-ref refs/heads/cup | wc -l
}
before=$(branches)
echo '. * hang' >"$git_faults"
until_ready "t_adv_44_hangs: a remote that does not answer is given up" '.error != null'
holds "... reads go on" test "$(get_note four)" = 200
holds "... a put is 503 in bounded time" test "$(put_note five fifth)" = 503
holds "... nothing of it is at the remote" test "$(branches)" = "$before"
: >"$git_faults"
until_ready "... and it recovers" '.error == null'
holds "... the put is 202 now" test "$(put_note five fifth)" = 202
stop_cupd
holds "cupd stops cleanly" test "$cupd_exit" = 0

# --- down at the start, with a clone
stop_git
serve
holds "t_adv_44_clone: what the clone holds is served at once" test "$(get_note four)" = 200
until_ready "... and that it is old stands in /readyz" '.ready and .error != null and .age == null'
stop_cupd
expect_exit 1 cupd check "${flags[@]}" -api-git-repo "$url" -api-data "$work/data"
holds "cupd check wants the remote itself" grep -q '127.0.0.1' "$stdout"
serve_git --port "$port"
expect_exit 0 cupd check "${flags[@]}" -api-git-repo "$url" -api-data "$work/data"

# --- what ends the start
export CUPD_API_GIT_PASSWORD=${canary}wrong
expect_exit 1 cupd serve "${flags[@]}" -api-address 127.0.0.1:0 -api-git-repo "$url" -api-data "$work/data3"
holds "a wrong password ends the start" grep -q 'Exiting' "$stdout"
export CUPD_API_GIT_PASSWORD=$canary
expect_exit 1 cupd serve "${flags[@]}" -api-address 127.0.0.1:0 -api-git-repo "$git_url/team/nothing.git" -api-data "$work/data3"
holds "so does a repository that is not there, by name" grep -q 'team/nothing' "$stdout"
expect_exit 1 cupd serve "${flags[@]}" -api-address 127.0.0.1:0 -api-git-repo "$url" -api-data "$work/data3" -api-git-branch nobody
holds "... and a branch" grep -q "nobody" "$stdout"
echo '. * status 403' >"$git_faults"
expect_exit 1 cupd serve "${flags[@]}" -api-address 127.0.0.1:0 -api-git-repo "$url" -api-data "$work/data3"
: >"$git_faults"

# --- SIGTERM while the start waits for the remote
echo '. * hang' >"$git_faults"
before=$(wc -l <"$git_log")
start_program "$work/hanging.log" cupd serve "${flags[@]}" -api-git-timeout 60s -api-address 127.0.0.1:0 -api-git-repo "$url" -api-data "$work/data4"
while [ "$(wc -l <"$git_log")" = "$before" ]; do sleep 0.05; done
kill "$program_pid"
hanging_exit=0
wait "$program_pid" || hanging_exit=$?
holds "SIGTERM ends a start that waits" test "$hanging_exit" = 0
: >"$git_faults"

# --- many events during a fetch make one more
secret=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
CUPD_API_GIT_WEBHOOK_SECRET=$secret serve -api-git-poll 1h -api-git-timeout 60s
until_ready "the clone is up to date" '.error == null and .age != null'
push_note six
before=$(metric cup_source_fetches_total)
echo 'POST 1 sleep 2' >"$git_faults"
curl -s -Z -o /dev/null -w '%{http_code}\n' -H 'Content-Type: application/json' -H "X-Gitlab-Token: $secret" \
    --data-binary '{"ref":"refs/heads/main"}' "$CUP_ADDRESS/webhooks/push?n=[1-20]" >"$work/codes" 2>/dev/null
holds "all events are taken" test "$(sort "$work/codes" | uniq -c | tr -s ' ')" = " 20 202"
until_ready "what was pushed is served" ".commit == \"$(head_of "$repo")\""
sleep 0.5
holds "a burst makes one fetch and, for those that came during it, one more" test $(($(metric cup_source_fetches_total) - before)) -le 2
stop_cupd

# --- the password
cat "$work"/*.log "$work/everything" "$work/first.log" >"$work/said"
grep -v '^{"method"' "$work/said" >"$work/said.cupd" # the server's own log has what it was sent
holds "the password is in no log, answer or error" test -z "$(grep -F "$canary" "$work/said.cupd")"
holds "... nor in the clones" test -z "$(grep -rF "$canary" "$work/data" "$work/data2" "$work/data3")"
holds "git fsck --strict is content" git -C "$repo" fsck --strict --no-dangling
done_testing
