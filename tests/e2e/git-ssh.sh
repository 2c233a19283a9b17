#!/bin/bash
# A repository over SSH: a real sshd on this machine, and what stands where ssh is looked for.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/widgets.sh"

repo="$work/srv/it's r.git"
file=default/example.com-v1-Widget-a.json
define_widgets "$work/resources"
mkdir -p "$work/srv"
widget a 1 | new_bare_repo "$repo" "$file"
flags=(-api-source git -api-resources "$work/resources" -api-data "$work/data" -api-git-scm plain)

# start_sshd: $ssh_port; keys $work/key (let in) and $work/stranger
start_sshd() {
    local try
    ssh-keygen -q -t ed25519 -N '' -f "$work/host_key"
    ssh-keygen -q -t ed25519 -N '' -f "$work/key"
    ssh-keygen -q -t ed25519 -N '' -f "$work/stranger"
    cp "$work/key.pub" "$work/authorized"
    # with root's rights it wants this folder, which its service would make
    [ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
    cat >"$work/sshd_config" <<CONFIG
ListenAddress 127.0.0.1
HostKey $work/host_key
AuthorizedKeysFile $work/authorized
AcceptEnv GIT_PROTOCOL
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
PidFile none
CONFIG
    for try in 1 2 3 4 5; do
        ssh_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        start_program "$work/sshd.log" /usr/sbin/sshd -D -e -f "$work/sshd_config" -p "$ssh_port"
        sleep 0.2
        kill -0 "$program_pid" 2>/dev/null && break
    done
    wait_for "$work/sshd.log" "listening on 127.0.0.1 port ($ssh_port)"
    printf '[127.0.0.1]:%s %s\n' "$ssh_port" "$(cat "$work/host_key.pub")" >"$work/known"
    url="ssh://$(id -un)@127.0.0.1:$ssh_port${repo// /%20}"
}

# refused WORDS ARG…: cupd does not start, and says why
refused() {
    local words=$1
    shift
    expect_exit 1 timeout 30 cupd check "${flags[@]}" -api-data "$work/fresh" "$@"
    holds "... it says: $words" grep -q "$words" "$stdout"
    rm -rf "$work/fresh"
}

if [ -x /usr/sbin/sshd ]; then
    start_sshd
    with_key=(-api-git-repo "$url" -api-git-ssh-key "$work/key")
    : >"$work/empty"
    refused 'known hosts' "${with_key[@]}" -api-git-ssh-known-hosts "$work/empty"
    holds "an unknown host's key was not learnt" test ! -s "$work/empty"
    printf '[127.0.0.1]:%s %s\n' "$ssh_port" "$(cat "$work/stranger.pub")" >"$work/other"
    refused 'known hosts' "${with_key[@]}" -api-git-ssh-known-hosts "$work/other"
    refused 'not let in' -api-git-repo "$url" -api-git-ssh-key "$work/stranger" -api-git-ssh-known-hosts "$work/known"
    refused 'no such repository' -api-git-repo "${url%r.git}nothing.git" -api-git-ssh-key "$work/key" \
        -api-git-ssh-known-hosts "$work/known"

    start_cupd "${flags[@]}" "${with_key[@]}" -api-git-ssh-known-hosts "$work/known"
    holds "objects are read over ssh" test "$(cup get widgets a -o json | jq .spec.n)" = 1
    propose a 2
    holds "a change is a branch at the remote" git -C "$repo" rev-parse -q --verify "refs/heads/cup/proposal/$id"
    expect_exit 0 cup proposal merge "$id"
    holds "what was merged is read" test "$(cup get widgets a -o json | jq .spec.n)" = 2
    printf '#!/bin/sh\necho "policy says no" >&2\nexit 1\n' >"$repo/hooks/pre-receive"
    chmod 755 "$repo/hooks/pre-receive"
    code=$(widget b 1 | status_of "$widgets_path/b" -X PUT -H 'Content-Type: application/json' --data-binary @-)
    holds "t_adv_41_ssh: what a hook refuses is 502 with its reason" \
        sh -c "test $code = 502 && grep -q 'policy says no' '$work/answer'"
    rm "$repo/hooks/pre-receive"
    propose b 1
    holds "t_adv_41_ssh: the next change works" git -C "$repo" rev-parse -q --verify "refs/heads/cup/proposal/$id"
    stop_cupd
    holds "the remote is whole" git -C "$repo" fsck --strict --no-dangling
else
    echo "# no sshd here (openssh-server): the part with a real one is left out"
fi

# A dead one may wait for its parent to take notice.
is_gone() {
    for _ in $(seq 50); do
        ! grep -q '^State:[^Z]*$' "/proc/$1/status" 2>/dev/null && return
        sleep 0.1
    done
    return 1
}

# --- in ssh's place: which arguments it gets, and what becomes of it when it hangs
bin=$work/bin
mkdir -p "$bin"
cat >"$bin/ssh" <<'SH'
#!/bin/bash
printf '%s\n' "$@" "protocol=$GIT_PROTOCOL" >"$SSH_SEEN"
[ ! -e "$SSH_SEEN.hang" ] || { sleep 1000 & echo "$! $$" >"$SSH_SEEN.pids"; wait; }
exec sh -c "${!#}"
SH
chmod 755 "$bin/ssh"
export PATH=$bin:$PATH SSH_SEEN=$work/seen
expect_exit 0 cupd check "${flags[@]}" -api-data "$work/fresh" -api-git-repo "ssh://me:s3cret@host.example${repo// /%20}"
holds "t_adv_37_ssh: the host comes behind --, and ssh never asks" \
    sh -c "grep -A1 -x -e -- '$work/seen' | grep -qx me@host.example && grep -qx BatchMode=yes '$work/seen' &&
        grep -qx StrictHostKeyChecking=yes '$work/seen'"
holds "t_adv_37_ssh: no password is among the arguments" sh -c "! grep -q s3cret '$work/seen'"
holds "version 2 of the protocol is asked for" grep -qx protocol=version=2 "$work/seen"
rm -rf "$work/fresh"
: >"$work/seen.hang"
refused 'time\|slow' -api-git-timeout 1s -api-git-repo "ssh://host.example${repo// /%20}"
read -r grandchild child <"$work/seen.pids"
holds "a hanging ssh is ended" is_gone "$child"
holds "... with all that it started" is_gone "$grandchild"
rm "$work/seen.hang" "$work/seen"

# --- t_adv_37: what ssh, or a shell, would take for something else
while read -r bad; do
    expect_exit 1 timeout 30 cupd check "${flags[@]}" -api-data "$work/fresh" -api-git-repo "$bad"
done <<URLS
ssh://-oProxyCommand=touch%20$work/pwned/r
ssh://-oProxyCommand=touch\${IFS}$work/pwned/r.git
ssh://me@-oProxyCommand=x/r
ssh://-l@host.example/r
-oProxyCommand=x:r
ext::sh -c touch% $work/pwned
ssh://host.example:-oProxyCommand=x/r
ssh://ho\$(touch $work/pwned)st/r
ssh://host.example%0aother/r
git://host.example/r
--upload-pack=touch $work/pwned
URLS
holds "t_adv_37_ssh: no ssh was started for a URL that is none" test ! -e "$work/seen"
holds "... and no command in one was run" test ! -e "$work/pwned"

done_testing
