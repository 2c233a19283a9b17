# What the stories in tests/e2e share; to be sourced first. A story runs real programs on this machine
# only, in one temporary folder; what it started is stopped and the folder removed in any case. Each
# check prints "ok - what holds"; the first that does not hold ends the story with exit 1. What a sanitizer
# finds in any of its programs, cupd in the background too, ends it as well.
#
#   CUP_BIN          folder of cup and cupd
#   CUP_FLIPT_WASM   the example controller, for pack_flipt
#   CUP_ENV_WASM     the example for .env files
#   CUP_SOURCE_DIR   the source tree
#
# holds WHAT CMD…           CMD ends with 0
# expect_exit CODE CMD…     CMD ends with CODE; its output is in the files $stdout and $stderr,
#                           that of all such calls in $work/everything
# fail WHAT                 end the story
# measured CMD…              runs it, and keeps its peak of memory for: rss_below MIB (true of a build
#                           with sanitizers, whose memory tells nothing)
# is_plain_text FILE        nothing in it that a terminal would obey
# start_program LOG CMD…    in the background; its id is in $program_pid
# wait_for LOG REGEX        until a line of LOG matches; $found is the first group
# start_registry, start_registry_auth USER PASSWORD     $registry is host:port, $registry_log its log
# start_fault_registry ARG…   tests/support/fault_registry.py; $registry, $evil, and $registry_log, a JSON
#                           line a request. The story fails if the evil one ever sees a secret
# requests JQ               how many of the requests in $registry_log JQ is true of
# start_git_http ROOT ARG…   tests/support/git_http.py; $git_url is its address, $git_faults the file of its
#                           faults, $git_log its log: a JSON line a request
# start_cupd ARG…, stop_cupd                            sets and exports CUP_ADDRESS; $cupd_exit
# new_bare_repo DIR FILE    with branch main and one commit: FILE as on stdin
# compile_guest OUT         C of a controller on stdin, compiled to wasm32-wasi
# pack_flipt REF            the example controller and its definitions, packed under REF
# done_testing              the last line of a story
set -euo pipefail
: "${CUP_BIN:?is the folder of cup and cupd}" "${CUP_SOURCE_DIR:?is the source tree}"
CUP_BIN=$(cd "$CUP_BIN" && pwd)
CUP_SOURCE_DIR=$(cd "$CUP_SOURCE_DIR" && pwd)

work=$(mktemp -d "${TMPDIR:-/tmp}/cup-story.XXXXXX")
stdout=$work/stdout
stderr=$work/stderr
pids=()
checks=0
is_done=
# Nothing of the person who runs the story has a say in it.
unset CUP_ADDRESS CUP_NAMESPACE CUP_TOKEN CUP_CONFIG DOCKER_CONFIG SOURCE_DATE_EPOCH EDITOR TMPDIR COSIGN_PASSWORD
unset REGISTRY_AUTH_FILE XDG_RUNTIME_DIR
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
export PATH=$CUP_BIN:$PATH HOME=$work/home LC_ALL=C.UTF-8
export XDG_CONFIG_HOME=$HOME/.config XDG_DATA_HOME=$HOME/.local/share XDG_CACHE_HOME=$HOME/.cache
export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=story GIT_AUTHOR_EMAIL=story@example.com
export GIT_COMMITTER_NAME=story GIT_COMMITTER_EMAIL=story@example.com
mkdir -p "$HOME"
# In a build with sanitizers a finding is written here, by whichever program, and fails the story in the end;
# an exit code that cup does not have tells expect_exit the same at once. gcc's UBSan knows standard error only:
# it aborts, and AddressSanitizer writes that down.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}log_path=$work/sanitizer:exitcode=99:handle_abort=1
export UBSAN_OPTIONS=log_path=$work/sanitizer:print_stacktrace=1:abort_on_error=1

finish() {
    local code=$? pid
    trap - EXIT
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    if grep -hs '^{"evil_saw"' "$work"/fault-registry.*.log; then
        echo "not ok - a host that must not see credentials saw some"
        code=1
    fi
    if compgen -G "$work/sanitizer.*" >"$work/findings"; then
        xargs -d '\n' head -n 60 <"$work/findings" | sed 's/^/# /'
        echo "not ok - a sanitizer found something"
        code=1
    fi
    if [ $code -eq 0 ] && [ -z "$is_done" ]; then
        echo "not ok - the story ended before done_testing"
        code=1
    fi
    if [ $code -ne 0 ]; then
        echo "# ended with $code after $checks checks; the last lines of its logs:"
        tail -n 15 "$stdout" "$stderr" "$work"/*.log 2>/dev/null | cut -c1-300 | sed 's/^/# /' || true
    fi
    rm -rf "$work"
    exit $code
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    echo "not ok - $*"
    exit 1
}

passed() {
    checks=$((checks + 1))
    echo "ok - $*"
}

holds() {
    local what=$1
    shift
    if "$@" >"$work/check.out" 2>&1; then
        passed "$what"
    else
        sed 's/^/# /' "$work/check.out"
        fail "$what ($*)"
    fi
}

expect_exit() {
    local wanted=$1 code=0
    shift
    "$@" >"$stdout" 2>"$stderr" || code=$?
    cat "$stdout" "$stderr" >>"$work/everything"
    [ "$code" = "$wanted" ] || fail "exit $wanted, but it is $code: $*"
    passed "exit $wanted: $*"
}

measured() {
    /usr/bin/time -q -o "$work/rss" -f %M "$@"
}

rss_below() {
    grep -q __asan_init "$CUP_BIN/cup" || [ "$(tail -n1 "$work/rss")" -lt $(($1 * 1024)) ] || {
        echo "its peak was $(tail -n1 "$work/rss") KiB"
        return 1
    }
}

# Control characters of ASCII and, in UTF-8, those from U+0080 on.
is_plain_text() {
    ! LC_ALL=C grep -qaP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' "$1"
}

start_program() {
    local log=$1
    shift
    : >"$log"
    "$@" >"$log" 2>&1 </dev/null &
    program_pid=$!
    pids+=("$program_pid")
}

wait_for() {
    local log=$1 regex=$2 line try
    for try in $(seq 1 600); do
        while IFS= read -r line || [ -n "$line" ]; do
            if [[ $line =~ $regex ]]; then
                found=${BASH_REMATCH[1]:-}
                return 0
            fi
        done <"$log"
        kill -0 "$program_pid" 2>/dev/null || [ "$try" -lt 5 ] || break
        sleep 0.05
    done
    fail "no line like '$regex' in $(basename "$log")"
}

# docker-registry on a free loopback port; the rest of its configuration is on stdin.
serve_registry() {
    local dir
    dir=$(mktemp -d "$work/registry.XXXX")
    cat >"$dir/config.yml"
    cat >>"$dir/config.yml" <<YML
version: 0.1
log: {level: info}
storage: {filesystem: {rootdirectory: $dir/data}, delete: {enabled: true}}
http: {addr: "127.0.0.1:0"}
YML
    registry_log=$work/$(basename "$dir").log
    start_program "$registry_log" docker-registry serve "$dir/config.yml"
    wait_for "$registry_log" 'listening on (127\.0\.0\.1:[0-9]+)'
    registry=$found
}

start_registry() {
    serve_registry </dev/null
}

start_registry_auth() {
    htpasswd -Bbn "$1" "$2" >"$work/htpasswd"
    serve_registry <<<"auth: {htpasswd: {realm: story, path: $work/htpasswd}}"
}

start_fault_registry() {
    local out
    out=$(mktemp "$work/fault-registry.XXXX")
    registry_log=$out.log
    : >"$registry_log"
    start_program "$out" python3 "$CUP_SOURCE_DIR/tests/support/fault_registry.py" --log "$registry_log" "$@"
    wait_for "$out" '^good=([^ ]+) evil='
    registry=$found
    wait_for "$out" ' evil=([^ ]+)$'
    evil=$found
}

requests() {
    jq -n "[inputs | select(.method) | select($1)] | length" "$registry_log"
}

start_git_http() {
    local out
    out=$(mktemp "$work/git-http.XXXX")
    git_faults=$out.faults
    git_log=$out.log
    : >"$git_faults" >"$git_log"
    start_program "$out" python3 "$CUP_SOURCE_DIR/tests/support/git_http.py" "$@" \
        --faults "$git_faults" --log "$git_log"
    wait_for "$out" '^git=(.+)$'
    git_url=$found
}

start_cupd() {
    start_program "$work/cupd.log" cupd serve -api-address 127.0.0.1:0 "$@"
    cupd_pid=$program_pid
    wait_for "$work/cupd.log" 'msg=Listening\.\.\. address=([^ ]+)'
    export CUP_ADDRESS=http://$found
}

stop_cupd() {
    cupd_exit=0
    kill "$cupd_pid"
    wait "$cupd_pid" || cupd_exit=$?
}

new_bare_repo() {
    local seed
    seed=$(mktemp -d "$work/seed.XXXX")
    git init -q -b main "$seed"
    mkdir -p "$(dirname "$seed/$2")"
    cat >"$seed/$2"
    git -C "$seed" add .
    git -C "$seed" commit -qm seed
    git clone -q --bare "$seed" "$1"
}

compile_guest() {
    clang-14 --target=wasm32-wasi -O1 -x c -o "$1" -
}

pack_flipt() {
    cup pack --wasm "${CUP_FLIPT_WASM:?is the example controller}" \
        --definition "$CUP_SOURCE_DIR/examples/flipt/flags.json" \
        --definition "$CUP_SOURCE_DIR/examples/flipt/segments.json" \
        --verbs get,list,put,delete,namespaces -t "$1"
}

done_testing() {
    is_done=yes
    echo "# $checks checks"
}
