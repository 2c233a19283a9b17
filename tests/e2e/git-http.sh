#!/bin/bash
# A repository over HTTP: cloned, followed, written to; what the remote refuses, and what goes wrong on the way.
. "$(dirname "$0")/../support/lib.sh"
. "$CUP_SOURCE_DIR/tests/support/widgets.sh"

canary=s3cret-canary
repo=$work/srv/r.git
a_file=default/example.com-v1-Widget-a.json
define_widgets "$work/resources"
mkdir -p "$work/srv"
widget a 1 | new_bare_repo "$repo" "$a_file"
start_git_http "$work/srv" --user me --password "$canary"
with_password=${git_url/:\/\//:\/\/me:$canary@}/r.git

serve() {
    start_cupd -api-source git -api-resources "$work/resources" -api-data "$work/data" -api-git-scm plain \
        -api-git-poll 200ms "$@"
}
# What cup sees of widget a.
n_of_a() { cup get widgets a -o json | jq .spec.n; }
# Until CMD says WANTED.
until_is() { # what wanted cmd…
    local what=$1 wanted=$2
    shift 2
    for _ in $(seq 100); do
        [ "$("$@" 2>/dev/null)" = "$wanted" ] && break
        sleep 0.1
    done
    holds "$what" test "$("$@")" = "$wanted"
}
commit_elsewhere() { # file text
    rm -rf "$work/elsewhere"
    git clone -q "$repo" "$work/elsewhere"
    cat >"$work/elsewhere/$1"
    git -C "$work/elsewhere" add . && git -C "$work/elsewhere" commit -qm elsewhere && git -C "$work/elsewhere" push -q
}

# --- reading
serve -api-git-repo "$with_password"
holds "objects are read over HTTP" test "$(n_of_a)" = 1
widget a 2 | commit_elsewhere "$a_file"
until_is "a commit made elsewhere is seen" 2 n_of_a
holds "a fetch asks for nothing but the branch and cup's own refs" \
    jq -es 'any(.target | test("git-upload-pack$"))' "$git_log"

# --- writing
propose a 3
branch=refs/heads/cup/proposal/$id
holds "a change is a branch at the remote" git -C "$repo" rev-parse -q --verify "$branch"
holds "the remote's objects are whole" git -C "$repo" fsck --strict --no-dangling
holds "it is one commit over the branch" test "$(git -C "$repo" rev-list --count "main..$branch")" = 1
expect_exit 0 cup proposal merge "$id"
holds "what was merged is read at once" test "$(n_of_a)" = 3
holds "the merge is the remote's branch" test "$(git -C "$repo" show "main:$a_file" | jq .spec.n)" = 3
holds "the proposal's branch is gone there" test -z "$(git -C "$repo" for-each-ref 'refs/heads/cup/')"
clone=$(echo "$work"/data/git/*.git)
holds "the clone is whole, too" git -c safe.directory='*' -C "$clone" fsck --strict --no-dangling

# --- t_adv_41: a push that is refused
printf '#!/bin/sh\necho "policy 7 says no \033[31m" >&2\nexit 1\n' >"$repo/hooks/pre-receive"
chmod +x "$repo/hooks/pre-receive"
code=$(status_of "$widgets_path/a" -X PUT -d "$(widget a 4)")
holds "t_adv_41_hook: what a hook refuses is 502" test "$code" = 502
holds "t_adv_41_hook: with its reason" grep -q 'policy 7 says no' "$work/answer"
holds "t_adv_41_hook: which cannot obey a terminal" is_plain_text "$work/answer"
holds "t_adv_41_hook: nothing is left there" test -z "$(git -C "$repo" for-each-ref 'refs/heads/cup/')"
holds "t_adv_41_hook: nothing is left here" \
    test -z "$(git -c safe.directory='*' -C "$clone" for-each-ref 'refs/heads/cup/')"
rm "$repo/hooks/pre-receive"
echo 'POST.*git-receive-pack 1 status 403' >"$git_faults"
code=$(status_of "$widgets_path/a" -X PUT -d "$(widget a 4)")
holds "t_adv_41_forbidden: what cupd may not push is 502, not 403" test "$code" = 502
: >"$git_faults"
propose a 4
holds "t_adv_41: the next change works" git -C "$repo" rev-parse -q --verify "refs/heads/cup/proposal/$id"

# The branch moved at the remote and cupd does not know it yet: the remote refuses, the next try is over what is new.
stop_cupd
serve -api-git-repo "$with_password" -api-git-poll 1h
widget c 1 | commit_elsewhere default/example.com-v1-Widget-c.json
code=$(status_of "$proposals_path/$id/merge" -X POST)
holds "t_adv_41_moved: a branch that moved meanwhile is merged into as it is now" test "$code" = 200
holds "t_adv_41_moved: nothing of it is lost" git -C "$repo" cat-file -e main:default/example.com-v1-Widget-c.json
holds "t_adv_41_moved: and the change is there" test "$(git -C "$repo" show "main:$a_file" | jq .spec.n)" = 4

# The answer to a push is lost: the remote itself says whether it was done.
echo 'POST.*git-receive-pack 1 lose' >"$git_faults"
propose a 5
: >"$git_faults"
holds "a push whose answer was lost is found done" \
    test "$(git -C "$repo" for-each-ref 'refs/heads/cup/' --format='%(refname)')" = "refs/heads/cup/proposal/$id"
stop_cupd

# --- t_adv_38: a remote that lies
mkdir "$work/fresh"
refused() { # what data-dir
    expect_exit 1 timeout 60 cupd check -api-source git -api-resources "$work/resources" -api-git-scm plain \
        -api-data "$work/fresh" -api-git-timeout 3s -api-git-repo "$with_password"
    holds "t_adv_38: $1: named without its password" grep -q "repository 'http://127" "$stdout"
    holds "t_adv_38: $1: no ref is there" test -z "$(find "$work/fresh/git" -path '*refs/heads/*' -type f)"
}
printf 'hello, this is a web page, not Git' >"$work/page"
echo "GET.*upload-pack 1+ body $work/page" >"$git_faults"
refused "no protocol of Git's"
echo 'POST.*upload-pack 2+ cut 300' >"$git_faults"
refused "a pack that is cut"
python3 - "$work/bomb" <<'PY'
import sys
def pkt(b): return b"%04x" % (len(b) + 4) + b
open(sys.argv[1], "wb").write(pkt(b"packfile\n") + pkt(b"\1PACK\0\0\0\2\xff\xff\xff\xff" + bytes(1000)) + b"0000")
PY
echo "POST.*upload-pack 2+ body $work/bomb" >"$git_faults"
refused "a pack of four thousand million objects"
python3 - "$work/refs" <<'PY'
import sys
def pkt(b): return b"%04x" % (len(b) + 4) + b
h = b"a" * 40
names = [b"refs/heads/cup/../../evil", b"refs/heads/cup/x.lock", b"refs/heads/cup/-x y", b"../../canary", b"refs/heads/other"]
open(sys.argv[1], "wb").write(b"".join(pkt(h + b" " + n + b"\n") for n in names) + b"0000")
PY
echo "POST.*upload-pack 1+ body $work/refs" >"$git_faults"
refused "refs with hostile names alone"
: >"$git_faults"
expect_exit 0 cupd check -api-source git -api-resources "$work/resources" -api-git-scm plain \
    -api-data "$work/fresh" -api-git-repo "$with_password"

# --- old servers, redirects, other credentials
echo '.* 1+ old' >"$git_faults"
rm -rf "$work/data"
CUPD_API_GIT_PASSWORD=$canary serve -api-git-repo "$git_url/r.git" -api-git-username me
holds "a server of protocol 0 is read" test "$(n_of_a)" = 4
propose b 1
holds "and written to" git -C "$repo" rev-parse -q --verify "refs/heads/cup/proposal/$id"
stop_cupd
: >"$git_faults"
holds "the password is in no log and no answer" sh -c "! grep -rq '$canary' '$work'/*.log '$work/answer' '$work/data'"
holds "everything is whole in the end" git -C "$repo" fsck --strict --no-dangling
done_testing
