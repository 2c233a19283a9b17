#!/bin/bash
# hardening 20 to 23, 28, 29 and 34 against a real cupd: each refusal has the right code, and nothing is
# committed or written.
. "$(dirname "$0")/../support/lib.sh"

res=$work/resources
mkdir -p "$res"
cat >"$res/d.json" <<'J'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"ResourceDefinition","metadata":{"name":"x"},"names":{"kind":"Widget","singular":"widget","plural":"widgets"},"spec":{"group":"demo.example","versions":{"v1":{}}}}
J
cat >"$res/d2.json" <<'J'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"ResourceDefinition","metadata":{"name":"y"},"names":{"kind":"Bad","singular":"bad","plural":"bads"},"spec":{"group":"demo.example","versions":{"v1":{}}}}
J
cat >"$res/c.json" <<'J'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"Controller","metadata":{"name":"files"},"spec":{"type":"template","spec":{"resource_template":"{{ .Namespace }}/{{ .Name }}.json","list_template":"{{ .Namespace }}/*.json"}}}
J
cat >"$res/b.json" <<'J'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"Binding","metadata":{"name":"b"},"spec":{"controller":"files","resources":["demo.example/v1/widgets"]}}
J
# A controller that writes wherever the object's name says: the spec is the path.
compile_guest "$res/anywhere.wasm" <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
int main(int argc, char **argv)
{
    static char text[65536];
    char path[4096] = "/";
    if (argc < 5 || strcmp(argv[1], "put") != 0)
        return 2;
    size_t n = fread(text, 1, sizeof(text) - 1, stdin);
    text[n] = 0;
    char *from = strstr(text, "\"spec\":\"") + 8;
    char *to = strchr(from, '"');
    *to = 0;
    strcat(path, from);
    for (char *p = path + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = 0;
        mkdir(path, 0700);
        *p = '/';
    }
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return 1;
    fputs("owned", f);
    return fclose(f);
}
C
cat >"$res/c2.json" <<'J'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"Controller","metadata":{"name":"anywhere"},"spec":{"type":"wasm","spec":{"path":"anywhere.wasm"}}}
J
cat >"$res/b2.json" <<'J'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"Binding","metadata":{"name":"b2"},"spec":{"controller":"anywhere","resources":["demo.example/v1/bads"]}}
J
repo=$work/r.git
new_bare_repo "$repo" default/a.json <<<'{"apiVersion":"demo.example/v1","kind":"Widget","metadata":{"namespace":"default","name":"a"},"spec":{}}'

# --- 20: who may be reached by whom
expect_exit 1 cupd serve -api-address 0.0.0.0:0 -api-source git -api-git-repo "$repo" -api-resources "$res"
holds "t_adv_20: beyond loopback without authentication is refused, naming the way" grep -q 'api-insecure' "$stdout"
expect_exit 1 cupd serve -api-address :0 -api-source git -api-git-repo "$repo" -api-resources "$res"
expect_exit 0 cupd -h
holds "t_adv_20: the default is loopback" grep -q 'api-address .*default 127.0.0.1:8181' "$stderr"

start_cupd -api-source git -api-git-repo "$repo" -api-resources "$res" -api-max-body 100KiB
objects=$CUP_ADDRESS/apis/demo.example/v1/namespaces/default/widgets
host=${CUP_ADDRESS#http://}
before=$(git -C "$repo" for-each-ref)
status() { curl -gs -o "$work/body" -w '%{http_code}' "$@"; }
refused() { # what, code, curl arguments
    local what=$1 code=$2 got
    shift 2
    got=$(status "$@" || true)
    [ "$got" = "$code" ] || fail "$what: $code, but it is $got: $(head -c 300 "$work/body")"
    passed "$what: $code"
    [ "$(git -C "$repo" for-each-ref)" = "$before" ] || fail "$what: something was committed"
}
body='{"spec":{"size":1}}'

# --- 21: other names for this machine
refused "t_adv_21 Host of somebody else" 421 -H 'Host: evil.example:8181' "$objects/a"
refused "t_adv_21 PUT with such a Host" 421 -X PUT -d "$body" -H 'Host: evil.example' "$objects/n"
refused "t_adv_21 absolute-form target" 421 --request-target "http://evil.example/apis" "$CUP_ADDRESS/apis"
refused "localhost is this machine" 200 -H "Host: localhost:${host##*:}" "$objects/a"

# --- 22: other people's pages
refused "t_adv_22 cross-origin PUT" 403 -X PUT -d "$body" -H 'Content-Type: application/json' -H 'Origin: https://evil.example' "$objects/n"
refused "t_adv_22 Origin: null" 403 -X PUT -d "$body" -H 'Content-Type: application/json' -H 'Origin: null' "$objects/n"
refused "t_adv_22 cross-origin DELETE" 403 -X DELETE -H 'Origin: https://evil.example' "$objects/a"
refused "t_adv_22 PUT as text/plain" 415 -X PUT -d "$body" -H 'Content-Type: text/plain' "$objects/n"
curl -s -D "$work/head" -o /dev/null -H 'Origin: https://evil.example' "$objects/a"
holds "t_adv_22: no origin is let in" sh -c "! grep -qi access-control-allow-origin '$work/head'"
curl -s -D "$work/head" -o /dev/null -X OPTIONS -H 'Origin: https://evil.example' -H 'Access-Control-Request-Method: PUT' "$objects/a"
holds "t_adv_22: nor by preflight" sh -c "! grep -qi access-control-allow '$work/head'"

# --- 23: bodies without end
refused "t_adv_23 a body over the limit" 413 -X PUT -H 'Content-Type: application/json' --data-binary @<(head -c 200000 /dev/zero) "$objects/n"
answer() { # raw request on stdin
    timeout 10 bash -c 'exec 3<>/dev/tcp/${0%:*}/${0##*:}; cat >&3; head -n 1 <&3' "$host"
}
printf 'PUT /apis/demo.example/v1/namespaces/default/widgets/n HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10737418240\r\n\r\n' | answer >"$work/out"
holds "t_adv_23: a promise of 10 GiB is refused before it is kept" grep -q ' 413 ' "$work/out"
printf 'PUT /apis/demo.example/v1/namespaces/default/widgets/n HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10737418240\r\nExpect: 100-continue\r\n\r\n' | answer >"$work/out"
holds "t_adv_23: and not invited by 100 Continue" grep -q ' 413 ' "$work/out"
refused "t_adv_23 endless chunks" 413 -X PUT -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' --data-binary @<(head -c 3000000 /dev/zero) "$objects/n"

# --- 25, 29: bodies that say two things
refused "t_adv_25 duplicate keys" 400 -X PUT -H 'Content-Type: application/json' -d '{"spec":{"a":1,"a":2}}' "$objects/n"
refused "t_adv_25 100,000 brackets" 413 -X PUT -H 'Content-Type: application/json' --data-binary @<(head -c 99000 /dev/zero | tr '\0' '[') "$objects/n"
refused "t_adv_29 name against the URL" 422 -X PUT -H 'Content-Type: application/json' -d '{"metadata":{"name":"other"}}' "$objects/n"
refused "t_adv_29 kind against the URL" 422 -X PUT -H 'Content-Type: application/json' -d '{"kind":"Other"}' "$objects/n"

# --- 28: names that lead elsewhere
for name in %2e%2e %2e%2e%2fx ..%2f..%2fetc a%2Fb %2a a%5Cb -x .hidden 'a%0d%0aX:%20y' '%1b[31m' '%c0%ae%c0%ae' '%ff' 'a%3Ab' '*' '%252e%252e%252f'; do
    refused "t_adv_28 name '$name'" 422 --path-as-is -X PUT -H 'Content-Type: application/json' -d "$body" "$objects/$name"
done
for name in %zz %; do
    refused "t_adv_28 undecodable '$name'" 400 --path-as-is -X PUT -H 'Content-Type: application/json' -d "$body" "$objects/$name"
done
refused "t_adv_28 zero byte" 400 -X PUT -H 'Content-Type: application/json' -d "$body" "$objects/a%00b"
refused "t_adv_28 64 KiB of name" 422 "$objects/$(head -c 65536 /dev/zero | tr '\0' a)"

# --- 34: paths that steer Git, forges and cup itself
bads=$CUP_ADDRESS/apis/demo.example/v1/namespaces/default/bads
for path in .git/config .GIT/x 'git~1/x' '.git::$INDEX_ALLOCATION/x' .gitmodules .github/workflows/x a/.git a/.gitattributes \
    .gitlab-ci.yml .gitea/x CODEOWNERS docs/CODEOWNERS .cup/x 'a./x' $'.g\u200cit/x'; do
    refused "t_adv_34 $path" 502 -X PUT -H 'Content-Type: application/json' -d "$(jq -nc --arg p "$path" '{spec:$p}')" "$bads/n"
    grep -q 'not allowed\|never\|path' "$work/body" || fail "t_adv_34 $path: the error does not say why: $(cat "$work/body")"
done
got=$(status -X PUT -H 'Content-Type: application/json' -d '{"spec":"plain/file"}' "$bads/n")
holds "... while a plain path is committed" test "$got" = 202

holds "the server is still well" test "$(status "$objects/a")" = 200
holds "git fsck finds nothing" git -C "$repo" fsck --strict --no-dangling
stop_cupd
holds "it stopped by itself" test "$cupd_exit" = 0
done_testing
