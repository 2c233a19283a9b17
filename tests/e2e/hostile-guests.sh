#!/bin/bash
# hardening.md 47 to 49, 52 and 53 over a real cupd: guests that do not end, that flood, that lie about what
# they found or write where they may not. Each gets its error, in words; whoever else asks is served.
. "$(dirname "$0")/../support/lib.sh"

# The name asked for says what it does.
compile_guest "$work/evil.wasm" <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;
static char *volatile memory;
static const char ok[] = "\"spec\":{}}\n";

static void object(const char *kind, const char *ns, const char *name)
{
    printf("{\"apiVersion\":\"evil.example/v1\",\"kind\":\"%s\",\"metadata\":{\"namespace\":\"%s\",\"name\":\"%s\"},%s",
           kind, ns, name, ok);
}

static int put(const char *path)
{
    mkdir("/.github", 0700);
    mkdir("/.github/workflows", 0700);
    mkdir("/data", 0700);
    mkdir("/other", 0700);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    return fd < 0 || write(fd, "x", 1) != 1;
}

int main(int argc, char **argv)
{
    const char *verb = argv[1], *ns = argc > 3 ? argv[3] : "", *name = argc > 4 ? argv[4] : "";
    static char block[1 << 16];
    if (strcmp(verb, "list") == 0) {
        object("Thing", strcmp(ns, "liar") == 0 ? "elsewhere" : ns, "one");
        return 0;
    }
    if (strcmp(name, "loop") == 0)
        for (;;)
            ;
    if (strcmp(name, "flood") == 0)
        for (;;)
            write(1, block, sizeof(block));
    if (strcmp(name, "shout") == 0)
        for (int i = 0; i < 2000; i++)
            write(2, block, sizeof(block));
    if (strcmp(name, "grow") == 0)
        for (;;)
            if ((memory = malloc(1 << 20)) == NULL)
                return fprintf(stderr, "no memory for me\n"), 1;
    if (strcmp(verb, "put") == 0)
        return put(strcmp(name, "hook") == 0 ? "/.github/workflows/x.yml" : strcmp(name, "outside") == 0 ? "/other/x" : "/data/x");
    if (strncmp(name, "exit-", 5) == 0)
        return atoi(name + 5);
    if (strcmp(name, "trap") == 0)
        __builtin_trap();
    if (strcmp(name, "panic") == 0)
        return fprintf(stderr, "panic: nil map\n\ngoroutine 1 [running]:\n"), 2;
    if (strcmp(name, "escape") == 0)
        return fprintf(stderr, "first line\n\033[31mred\033]0;title\007 \xc2\x9b" "2J end\n"), 1;
    if (strcmp(name, "text") == 0)
        return printf("this is no JSON\n"), 0;
    if (strcmp(name, "empty") == 0)
        return 0;
    if (strcmp(name, "secret") == 0)
        return access("/hidden/secret", F_OK) == 0 || environ[0] != NULL;
    if (strncmp(name, "remember", 8) == 0) { /* once per instance */
        static int seen;
        put("/data/left");
        if (seen++ || access("/data/left", F_OK) == 0)
            return fprintf(stderr, "somebody was here\n"), 1;
    }
    object(strcmp(name, "kind") == 0 ? "Other" : "Thing", strcmp(name, "ns") == 0 ? "elsewhere" : ns,
           strcmp(name, "name") == 0 ? "else" : name);
    if (strcmp(name, "two") == 0)
        object("Thing", ns, name);
    return 0;
}
C
cat >"$work/things.json" <<'J'
{"apiVersion": "cup.flipt.io/v1alpha1", "kind": "ResourceDefinition", "metadata": {"name": "things.evil.example"},
 "names": {"kind": "Thing", "singular": "thing", "plural": "things"},
 "spec": {"group": "evil.example", "versions": {"v1": {"type": "object"}}}}
J
new_bare_repo "$work/r.git" hidden/secret <<<'a secret'
cup pack --wasm "$work/evil.wasm" --definition "$work/things.json" --name evil --read 'data/**' --read 'other/**' --read '.github/**' --write 'data/**' --write '.github/**' -t evil:v1 >/dev/null
mkdir "$work/resources"
cat >"$work/resources/controller.json" <<'J'
{"apiVersion": "cup.flipt.io/v1alpha1", "kind": "Controller", "metadata": {"name": "evil"},
 "spec": {"type": "wasm", "spec": {"image": "evil:v1", "paths": {"write": ["data/**"]},
   "limits": {"timeout": "1s", "memory": "32MiB", "output": "1MiB"}}}}
J
start_cupd -api-source git -api-git-repo "$work/r.git" -api-resources "$work/resources" -log-level debug
url=$CUP_ADDRESS/apis/evil.example/v1/namespaces/default/things
answers() { # NAME STATUS TEXT [CURL…]: GET of it, or what CURL says
    local name=$1 status=$2 text=$3 got
    shift 3
    got=$(curl -sS -o "$work/answer" -w '%{http_code}' "$@" "$url/$name")
    [ "$got" = "$status" ] && grep -qF -- "$text" "$work/answer" || { echo "$got"; head -c 600 "$work/answer"; return 1; }
}

holds "t_adv_53_honest__a guest that does as it is told is served" answers honest 200 '"name":"honest"'
holds "t_adv_53_ns__another namespace than asked for is a 502" answers ns 502 "namespace 'elsewhere'"
holds "t_adv_53_name__another name" answers name 502 "name 'else'"
holds "t_adv_53_kind__another kind" answers kind 502 "kind 'Other'"
holds "t_adv_53_two__two objects on get" answers two 502 'printed 2 documents on get instead of one'
holds "t_adv_53_text__what is no JSON" answers text 502 'what is not JSON'
holds "t_adv_53_empty__nothing printed is not found" answers empty 404 "no thing 'empty'"
holds "t_adv_53_exit_0__exit 0 with its object is served" answers again 200 '"name":"again"'
holds "t_adv_53_exit_1__exit 1 is a 502" answers exit-1 502 'exit code 1 and no message'
holds "t_adv_53_exit_2__exit 2 is not found" answers exit-2 404 "no thing 'exit-2'"
holds "t_adv_53_exit_3__exit 3" answers exit-3 502 'exit code 3'
holds "t_adv_53_exit_255__exit 255" answers exit-255 502 'exit code 255'
holds "t_adv_53_trap__a trap" answers trap 502 'it crashed (wasm trap'
holds "t_adv_53_panic__exit 2 of a crashed Go guest" answers panic 502 'goroutine 1'
holds "t_adv_53_escape__the last line of standard error is the message" answers escape 502 'red'
holds "... without what a terminal would obey" is_plain_text "$work/answer"
holds "... not the first one" bash -c "! grep -q 'first line' '$work/answer'"
holds "... which stands in the log with controller and verb, at debug" grep -q "level=DEBUG msg=\"Controller 'evil' on get\" value=\"first line\"" "$work/cupd.log"
holds "... as harmless" is_plain_text "$work/cupd.log"
holds "t_adv_53_secret__what the read globs do not show is not there, nor an environment" answers secret 404 "no thing 'secret'"
holds "t_adv_53_list__another namespace in a list is a 502" test "$(curl -sS -o "$work/answer" -w '%{http_code}' "$CUP_ADDRESS/apis/evil.example/v1/namespaces/liar/things")" = 502
for i in 1 2 3; do
    holds "t_adv_53_remember__nothing of one call is seen by the next" answers remember-$i 200 "\"name\":\"remember-$i\""
done
body() { printf '{"apiVersion":"evil.example/v1","kind":"Thing","metadata":{"namespace":"default","name":"%s"},"spec":{}}' "$1"; }
put() { answers "$1" "$2" "$3" -X PUT -H 'Content-Type: application/json' -d "$(body "$1")"; }
branches() { git -C "$work/r.git" for-each-ref refs/heads | wc -l; }
holds "t_adv_53_outside__a put outside of the write globs is a 502" put outside 502 'other/x'
holds "t_adv_53_hook__what the image opens, the Controller may close" put hook 502 '.github/workflows/x.yml'
holds "... and neither left a branch" test "$(branches)" = 1
holds "t_adv_53_inside__a put inside of them is a proposal" put inside 202 '"id"'
holds "... on a branch" test "$(branches)" = 2

holds "t_adv_49_flood__endless output ends at its limit" answers flood 502 'output: more than the limit of 1048576'
holds "t_adv_49_shout__128 MiB on standard error are bounded" answers shout 200 '"name":"shout"'
holds "t_adv_48_grow__memory ends at its limit" answers grow 502 'no memory for me'
holds "t_adv_47_loop__a loop is a 504 at its time limit" answers loop 504 'time limit of 1000 ms'
stop_cupd

# --- a client that hangs up, and neighbours of a guest that hangs
sed -i 's/"timeout": "1s"/"timeout": "10m"/' "$work/resources/controller.json"
start_cupd -api-source git -api-git-repo "$work/r.git" -api-resources "$work/resources" -log-level debug
url=$CUP_ADDRESS/apis/evil.example/v1/namespaces/default/things
for i in 1 2 3; do curl -sS -m 1 "$url/loop?revision=main&n=$i" >/dev/null 2>&1 & done
sleep 0.3
holds "t_adv_47_neighbour__another object of the same controller is served meanwhile" answers near 200 '"name":"near"'
holds "... and what needs no controller" curl -fsS -o /dev/null "$CUP_ADDRESS/apis"
wait_for "$work/cupd.log" 'uri=[^ ]*/loop[^ ]* resp_status=([0-9]+)'
holds "t_adv_47_hang_up__a guest whose client hung up is stopped, ten minutes before its limit" test "$found" != ""
busy() { awk '{print $14 + $15}' "/proc/$cupd_pid/stat"; }
at_rest() { # the process uses less than a fifth of a core, within ten seconds
    local try before
    for try in $(seq 1 20); do
        before=$(busy)
        sleep 0.5
        [ $(($(busy) - before)) -lt 10 ] && return 0
    done
    return 1
}
holds "... and its workers are free" at_rest
holds "... so that the next is served" answers next 200 '"name":"next"'
stop_cupd
holds "it ended as told to" test "$cupd_exit" = 0

# --- 52: refused where they come in
printf '\0asm\r\0\1\0' >"$work/component.wasm"
expect_exit 6 cup pack --wasm "$work/component.wasm" --definition "$work/things.json" -t bad:v1
holds "t_adv_52_component__is refused by pack" grep -qi 'component' "$stderr"
compile_guest "$work/import.wasm" <<'C'
__attribute__((import_module("env"), import_name("system"))) int host_system(const char *);
int main(void) { return host_system("id"); }
C
expect_exit 6 cup pack --wasm "$work/import.wasm" --definition "$work/things.json" -t bad:v1
holds "t_adv_52_import__is refused by pack, by its name" grep -q "system.*env\|env.*system" "$stderr"
done_testing
