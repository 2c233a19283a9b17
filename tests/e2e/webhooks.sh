#!/bin/bash
# Push events: closed without a secret, signed as each forge signs, and what is not signed so is refused.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/notes.sh"

write_resources "$work/resources"
repo=$work/notes.git
new_note_repo "$repo"
clone=$work/clone
git clone -q "$repo" "$clone"
serve() {
    start_cupd -api-source git -api-git-repo "$repo" -api-git-poll 1h -api-resources "$work/resources" "$@"
    hook=$CUP_ADDRESS/webhooks/push
}
secret=canary-$(head -c 12 /dev/urandom | base64 | tr -d '/+=')
printf '%s\n' "$secret" >"$work/secret"

event() { # REF: as all forges send it, among much else
    jq -nc --arg ref "$1" '{ref: $ref, before: "1", after: "2", repository: {name: "notes"}, commits: []}' >"$work/event"
}
mac() { # FILE [SECRET]
    openssl dgst -sha256 -hmac "${2:-$secret}" -r "$1" | cut -d' ' -f1
}
post() { # FILE CURL-ARG…: prints the status
    local file=$1
    shift
    code -X POST -H 'Content-Type: application/json' --data-binary "@$file" "$@" "$hook"
}
push_note() { # NAME
    commit_note "$clone" "$1" pushed
    git -C "$clone" push -q origin HEAD:main
}
looks() {
    metric cup_source_fetches_total
}

# --- no secret
serve
event refs/heads/main
holds "t_adv_32_no_secret: without a secret an event is 403" test "$(post "$work/event" -H "X-Hub-Signature-256: sha256=$(mac "$work/event" '')")" = 403
holds "... which says how to open it" grep -q -- '-api-git-webhook-secret-file' "$work/body"
holds "... an empty token does not open it" test "$(post "$work/event" -H 'X-Gitlab-Token;')" = 403
stop_cupd

# --- as each forge signs
serve -api-git-webhook-secret-file "$work/secret"
i=0
while IFS='|' read -r forge header; do
    i=$((i + 1))
    push_note "note$i"
    event refs/heads/main
    header=${header//MAC/$(mac "$work/event")}
    header=${header//SECRET/$secret}
    holds "$forge: an event is taken" test "$(post "$work/event" -H "$header")" = 202
    until_ready "$forge: what was pushed is served" ".commit == \"$(head_of "$repo")\""
    holds "$forge: ... and read" test "$(get_note "note$i")" = 200
done <<'ROWS'
github|X-Hub-Signature-256: sha256=MAC
gitea|X-Gitea-Signature: MAC
forgejo|X-Forgejo-Signature: MAC
gitlab|X-Gitlab-Token: SECRET
ROWS
before=$(looks)
m=$(mac "$work/event")
holds "gitea sends several signatures: all of them right" test \
    "$(post "$work/event" -H "X-Gitea-Signature: $m" -H "X-Hub-Signature-256: sha256=$m" -H 'X-Gitea-Event: push')" = 202

while [ "$(looks)" = "$before" ]; do sleep 0.05; done

# --- what does not concern this branch
before=$(looks)
for ref in refs/heads/other refs/tags/main main refs/heads/main2 ''; do
    event "$ref"
    holds "an event of '$ref' changes nothing" test "$(post "$work/event" -H "X-Gitea-Signature: $(mac "$work/event")")" = 200
done
echo '{"zen":"Keep it logically awesome.","hook_id":1}' >"$work/event"
holds "nor does a ping" test "$(post "$work/event" -H "X-Hub-Signature-256: sha256=$(mac "$work/event")")" = 200
echo '["refs/heads/main"]' >"$work/event"
holds "nor does something else" test "$(post "$work/event" -H "X-Gitea-Signature: $(mac "$work/event")")" = 200
sleep 0.3
holds "and nothing was looked at for it" test "$(looks)" = "$before"

# --- what is not signed
event refs/heads/main
m=$(mac "$work/event")
before=$(looks)
while IFS='|' read -r what headers; do
    headers=${headers//MAC/$m}
    args=()
    while IFS= read -r one; do [ -z "$one" ] || args+=(-H "$one"); done <<<"${headers//&/$'\n'}"
    holds "t_adv_32_signature: $what is 401" test "$(post "$work/event" "${args[@]}")" = 401
    holds "... and a Status" jq -e '.kind == "Status" and .code == 401' "$work/body"
done <<ROWS
no signature|
an empty one|X-Hub-Signature-256;
a short one|X-Hub-Signature-256: sha256=${m:0:40}
a long one|X-Hub-Signature-256: sha256=MAC00
no hexadecimal|X-Hub-Signature-256: sha256=$(printf 'g%.0s' $(seq 64))
another secret's|X-Hub-Signature-256: sha256=$(mac "$work/event" another)
one without its prefix|X-Hub-Signature-256: MAC
the old SHA-1 one|X-Hub-Signature: sha1=$(openssl dgst -sha1 -hmac "$secret" -r "$work/event" | cut -d' ' -f1)
a prefix where none belongs|X-Gitea-Signature: sha256=MAC
two equal ones|X-Hub-Signature-256: sha256=MAC&X-Hub-Signature-256: sha256=MAC
a right and a wrong one|X-Hub-Signature-256: sha256=MAC&X-Gitea-Signature: $(mac "$work/event" another)
a right one and a wrong token|X-Hub-Signature-256: sha256=MAC&X-Gitlab-Token: nothing
a wrong token|X-Gitlab-Token: ${secret}x
a short token|X-Gitlab-Token: ${secret:0:8}
the MAC as a token|X-Gitlab-Token: MAC
ROWS
holds "t_adv_32_signature: none of them made cupd look" test "$(looks)" = "$before"
m=$(mac "$work/event")
cp "$work/event" "$work/altered"
printf ' ' >>"$work/altered"
holds "t_adv_32_altered: a signature of other bytes is 401" test "$(post "$work/altered" -H "X-Gitea-Signature: $m")" = 401

# --- replayed: it can only make cupd look again
for i in 1 2 3; do
    holds "t_adv_32_replay: the same event again is taken" test "$(post "$work/event" -H "X-Gitea-Signature: $m")" = 202
done
until_ready "... and nothing changes" ".commit == \"$(head_of "$repo")\" and .error == null"

# --- large, or no JSON
head -c 52428800 /dev/zero >"$work/huge"
sent() { # CURL-ARG…: status and bytes that were sent of the body
    curl -s -o "$work/body" -w '%{http_code} %{size_upload}' -X POST -H 'Content-Type: application/json' --data-binary "@$work/huge" "$@" "$hook" || true
}
read -r status bytes <<<"$(sent -H 'Expect: 100-continue' -H "X-Gitea-Signature: $m")"
holds "t_adv_32_huge: 50 MB are 413" test "$status" = 413
holds "... before any of it is sent" test "$bytes" = 0
read -r status bytes <<<"$(sent -H 'Expect: 100-continue' -H 'Transfer-Encoding: chunked')"
holds "t_adv_32_huge: unsigned chunks are 401" test "$status" = 401
holds "... before any of it is sent" test "$bytes" = 0
read -r status bytes <<<"$(sent -H 'Expect:' -H 'Transfer-Encoding: chunked' -H "X-Gitea-Signature: $m")"
holds "t_adv_32_huge: signed chunks are cut off" test "$status" = 413
holds "... before all is sent" test "$bytes" -lt 52428800
echo '{"ref":' >"$work/event"
holds "t_adv_32_json: what is no JSON is 400" test "$(post "$work/event" -H "X-Gitea-Signature: $(mac "$work/event")")" = 400
: >"$work/event"
holds "... and so is nothing at all" test "$(post "$work/event" -H "X-Gitea-Signature: $(mac "$work/event")")" = 400
head -c 100000 /dev/zero | tr '\0' '[' >"$work/event"
status=$(post "$work/event" -H "X-Gitea-Signature: $(mac "$work/event")")
holds "... what is too deep is refused" test "$status" = 400 -o "$status" = 413
printf 'payload=%%7B%%7D' >"$work/event"
holds "a form is 415" test "$(code -X POST --data-binary "@$work/event" -H "X-Gitea-Signature: $(mac "$work/event")" "$hook")" = 415
holds "... which names the right type" grep -q 'application/json' "$work/body"
holds "GET is 405" test "$(code "$hook")" = 405
holds "cupd still answers" test "$(get_note one)" = 200
stop_cupd
holds "the secret stands in no log" test -z "$(grep -F "$secret" "$work/cupd.log")"

# --- the secret of the environment
CUPD_API_GIT_WEBHOOK_SECRET=$secret serve
event refs/heads/main
holds "the environment can hold the secret" test "$(post "$work/event" -H "X-Gitlab-Token: $secret")" = 202
stop_cupd
CUPD_API_GIT_WEBHOOK_SECRET=$secret expect_exit 1 cupd check -api-source git -api-git-repo "$repo" \
    -api-resources "$work/resources" -api-git-webhook-secret-file "$work/secret"
holds "file and environment at once are refused" grep -q 'exclude each other' "$stdout"
: >"$work/empty"
expect_exit 1 cupd check -api-source git -api-git-repo "$repo" -api-resources "$work/resources" -api-git-webhook-secret-file "$work/empty"
holds "an empty file is refused, not taken as no secret" grep -q 'holds no secret' "$stdout"
done_testing
