#!/bin/bash
# Passwords asked for at a terminal, a pseudo-terminal here: not shown, correctable, broken off by Ctrl-C with
# the terminal as it was; at login and for key files.
. "$(dirname "$0")/../support/lib.sh"

# Runs a command at a terminal of its own: types each answer once its prompt is there. Prints what the terminal
# showed; exits as the command did, 99 when the terminal was left without echo, 98 when a prompt never came.
cat >"$work/at-terminal" <<'PY'
import json, os, pty, select, sys, termios, time
steps, command = json.loads(sys.argv[1]), sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
shown = b""
def read_some(seconds):
    global shown
    if not select.select([fd], [], [], seconds)[0]:
        return True
    try:
        piece = os.read(fd, 4096)
    except OSError:  # EIO: the other side is closed
        return False
    shown += piece
    return piece != b""
at = 0
for prompt, answer in steps:
    deadline = time.monotonic() + 60
    while prompt.encode() not in shown[at:]:
        if time.monotonic() > deadline or not read_some(1):
            sys.stdout.buffer.write(shown)
            sys.exit(98)
    at = shown.index(prompt.encode(), at) + len(prompt)
    os.write(fd, answer.encode("latin-1"))
while read_some(60):
    pass
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.buffer.write(shown)
try:
    has_echo = termios.tcgetattr(fd)[3] & termios.ECHO
except termios.error:
    has_echo = True
sys.exit(code if has_echo else 99)
PY
at_terminal() { # [[prompt, answer]…], command
    python3 "$work/at-terminal" "$@"
}
config=$HOME/.docker/config.json

# --- login
start_registry_auth robot 'canary-pass:w%rd'
expect_exit 4 at_terminal '[["assword", "wrong\r"]]' cup login "$registry" -u robot --plain-http
holds "a wrong password is not kept" test ! -e "$config"
# a slip taken back (DEL), a line begun anew (Ctrl-U)
expect_exit 0 at_terminal '[["assword", "nonsense\u0015canary-pass:w%rdx\u007f\r"]]' cup login "$registry" -u robot --plain-http
holds "login asks for the password and keeps what is right" grep -q "$(printf 'robot:canary-pass:w%%rd' | base64)" "$config"
holds "what is typed is not shown" test "$(grep -c canary "$stdout" || true)" = 0
expect_exit 0 cup logout "$registry"
expect_exit 130 at_terminal '[["assword", "canary\u0003"]]' cup login "$registry" -u robot --plain-http
expect_exit 4 at_terminal '[["assword", "\u0004"]]' cup login "$registry" -u robot --plain-http
holds "Ctrl-C and Ctrl-D keep nothing" test "$(jq '.auths // {} | length' "$config")" = 0

expect_exit 0 at_terminal '[["User of", "robot\n"], ["assword", "canary-pass:w%rd\r"]]' cup login "$registry" --plain-http
holds "the user is asked for as well" grep -q 'auth' "$config"

# --- key files
unset COSIGN_PASSWORD
cd "$work"
expect_exit 2 at_terminal '[["new key", "canary\r"], ["again", "other\r"]]' cup image keygen
holds "a key is not made with two passwords" test ! -e cosign.key
expect_exit 0 at_terminal '[["new key", "canary\r"], ["again", "canary\r"]]' cup image keygen
holds "keygen asks twice, and shows neither" test "$(grep -c canary "$stdout" || true)" = 0
compile_guest hello.wasm <<<'int main(void) { return 0; }'
jq -n '{apiVersion: "cup.flipt.io/v1alpha1", kind: "ResourceDefinition", metadata: {name: "notes.demo.example"},
    names: {kind: "Note", singular: "note", plural: "notes"}, spec: {group: "demo.example", versions: {v1: {type: "object"}}}}' >notes.json
cup pack --wasm hello.wasm --definition notes.json -t hello:v1 >/dev/null
expect_exit 4 at_terminal '[["of the key", "wrong\r"]]' cup image sign --key cosign.key hello:v1
expect_exit 0 at_terminal '[["of the key", "canary\r"]]' cup image sign --key cosign.key hello:v1
holds "sign asks for it, and the signature counts" cup image verify --local --key cosign.pub hello:v1
done_testing
