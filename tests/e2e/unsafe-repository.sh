#!/bin/bash
# A repository on this disk whose configuration names programs, and one that is somebody else's: nothing of
# theirs is ever executed, the second is not even opened.
. "$(dirname "$0")/../support/lib.sh"
. "$(dirname "$0")/../support/widgets.sh"

define_widgets "$work/resources"
file=default/example.com-v1-Widget-a.json
ran=$work/ran

# Whatever runs this leaves its name in $ran.
trap_program=$work/trap
cat >"$trap_program" <<SH
#!/bin/sh
echo "\$0 \$*" >>'$ran'
SH
chmod 755 "$trap_program"

# set_traps DIR: each program that a repository can name, be it for what cup does or for what it never does
set_traps() {
    local dir=$1 hook git_dir
    git_dir=$(git -C "$dir" rev-parse --absolute-git-dir)
    mkdir -p "$git_dir/traps" "$git_dir/hooks"
    for hook in applypatch-msg pre-commit prepare-commit-msg commit-msg post-commit pre-merge-commit post-merge \
        pre-push pre-receive update proc-receive post-receive post-update reference-transaction push-to-checkout \
        pre-auto-gc post-rewrite post-checkout post-index-change fsmonitor-watchman sendemail-validate; do
        cp "$trap_program" "$git_dir/hooks/$hook"
        cp "$trap_program" "$git_dir/traps/$hook"
    done
    cat >>"$git_dir/config" <<CONFIG
[core]
	hooksPath = $git_dir/traps
	fsmonitor = $trap_program fsmonitor
	sshCommand = $trap_program ssh
	gitProxy = $trap_program proxy
	editor = $trap_program editor
	pager = $trap_program pager
	askPass = $trap_program askpass
	alternateRefsCommand = $trap_program alternate-refs
	attributesFile = $work/attributes
[credential]
	helper = !$trap_program credential
[filter "trap"]
	clean = $trap_program clean
	smudge = $trap_program smudge
	process = $trap_program process
	required = true
[diff]
	external = $trap_program diff
[diff "trap"]
	command = $trap_program diff-driver
	textconv = $trap_program textconv
[merge "trap"]
	driver = $trap_program merge %O %A %B
[gpg]
	program = $trap_program gpg
[commit]
	gpgSign = true
[uploadpack]
	packObjectsHook = $trap_program pack-objects
[receive]
	procReceiveRefs = refs/heads
[gc]
	recentObjectsHook = $trap_program recent
[alias]
	gc = !$trap_program alias
[include]
	path = $work/included
CONFIG
    printf '[core]\n\tfsmonitor = %s included\n' "$trap_program" >"$work/included"
    printf '* filter=trap diff=trap merge=trap\n' >"$work/attributes"
}

no_trap_ran() {
    [ ! -e "$ran" ] || { cat "$ran"; return 1; }
}

# --- ours, with traps: served, and no program of it is run
repo=$work/ours
git init -q -b main "$repo"
mkdir -p "$repo/default"
widget a 1 >"$repo/$file"
printf '* filter=trap diff=trap merge=trap ident text eol=crlf\n' >"$repo/.gitattributes"
git -C "$repo" add .
git -C "$repo" commit -qm seed
git init -q --bare "$work/elsewhere"
echo "$work/elsewhere/objects" >"$repo/.git/objects/info/alternates"
set_traps "$repo"
git -C "$repo" update-ref refs/heads/probe main
holds "the traps are set: git itself runs one" test -s "$ran"
rm "$ran"
git -C "$repo" -c core.hooksPath=/dev/null update-ref -d refs/heads/probe
rm -f "$ran"

start_cupd -api-source git -api-git-repo "$repo" -api-resources "$work/resources"
expect_exit 0 cup get widgets a -o json
propose a 2
expect_exit 0 cup proposal show "$id"
expect_exit 0 cup proposal diff "$id"
expect_exit 0 cup proposal merge "$id"
propose b 3
widget a 4 | cup apply -f - -o json >"$work/result"
expect_exit 0 cup proposal merge "$id" # of b: the target moved on only for a
expect_exit 0 cup proposal merge "$(jq -r .id "$work/result")"
propose a 5
expect_exit 0 cup proposal close "$id"
expect_exit 0 cup history widgets a
expect_exit 0 cup get widgets a --revision main
holds "t_adv_45_traps: no hook, monitor, filter, driver or helper of the repository was run" no_trap_ran
holds "... what was stored is what was sent: no filter, no line ends" \
    test "$(git -C "$repo" cat-file blob "main:$file" | jq -c .spec)" = '{"n":4}'
holds "... with LF alone" test "$(git -C "$repo" cat-file blob "main:$file" | tr -dc '\r' | wc -c)" = 0
holds "... and the repository is sound" git -C "$repo" -c core.fsmonitor=false -c core.alternateRefsCommand=true fsck --strict --no-dangling --no-progress
rm -f "$ran"
stop_cupd

# --- somebody else's
if [ "$(id -u)" -ne 0 ]; then
    echo "# not root: a repository cannot be given to another user, so that part is left out"
    done_testing
    exit
fi
theirs=$work/theirs
cp -r "$repo" "$theirs"
chown -R 12345:12345 "$theirs"
chmod 755 "$work"
rm -f "$ran"
code=0
timeout 20 cupd serve -api-address 127.0.0.1:0 -api-source git -api-git-repo "$theirs" -api-resources "$work/resources" \
    >"$work/theirs.log" 2>&1 || code=$?
holds "t_adv_45_owner: a repository of another user is refused at the start" test "$code" = 1
holds "... as what it is, with the way out" grep -q 'owned by somebody else.*safe.directory' "$work/theirs.log"
holds "... and nothing of it was run" no_trap_ran
git config --global --add safe.directory "$theirs"
start_cupd -api-source git -api-git-repo "$theirs" -api-resources "$work/resources"
expect_exit 0 cup get widgets a
propose a 6
holds "t_adv_45_trusted: where its owner is trusted it is served, and still nothing of it is run" no_trap_ran
stop_cupd

done_testing
