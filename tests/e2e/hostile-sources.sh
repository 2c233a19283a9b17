#!/bin/bash
# What a repository or a directory may hold, and what controllers may want to write there: links, submodules,
# twins of names, files where directories are needed. Nothing outside is read or written.
. "$(dirname "$0")/../support/lib.sh"

host=$work/host
mkdir -p "$host/ns" "$work/resources"
echo '{"secret":"of the host"}' | tee "$host/a.json" >"$host/ns/a.json"
cp -a "$host" "$work/host.before"

# A template that writes where the name says, and a wasm controller that writes where the body says.
cat >"$work/resources/widget.json" <<'J'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"ResourceDefinition","metadata":{"name":"widgets.demo.example"},
 "names":{"kind":"Widget","singular":"widget","plural":"widgets"},"spec":{"group":"demo.example","versions":{"v1":{"type":"object"}}}}
J
cat >"$work/resources/controller.json" <<'J'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"Controller","metadata":{"name":"widgets"},"spec":{"type":"template",
 "spec":{"resource_template":"{{ .Namespace }}/{{ .Name }}","list_template":"{{ .Namespace }}/*"}}}
J
cat >"$work/resources/binding.json" <<'J'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"Binding","metadata":{"name":"widgets"},
 "spec":{"controller":"widgets","resources":["demo.example/v1/widgets"]}}
J
compile_guest "$work/writer.wasm" <<'C'
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* put: the file that "spec" of the body names, and the directories above it. */
int main(int argc, char **argv)
{
    static char body[65536], path[8192] = "/";
    size_t n = fread(body, 1, sizeof(body) - 1, stdin), k = 1;
    const char *at = strstr(body, "\"spec\":\"");
    if (argc < 2 || strcmp(argv[1], "put") != 0 || n == 0 || at == NULL)
        return 2;
    for (at += 8; *at != '"' && k < sizeof(path) - 1; at++)
        path[k++] = *at == '\\' ? *++at : *at;
    for (char *s = path + 1; (s = strchr(s, '/')) != NULL; *s++ = '/')
        *s = '\0', mkdir(path, 0755);
    FILE *f = fopen(path, "w");
    if (f == NULL || fputs("written\n", f) < 0 || fclose(f) != 0)
        return perror(path), 1;
    return 0;
}
C
cat >"$work/writer.json" <<'J'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"ResourceDefinition","metadata":{"name":"bads.demo.example"},
 "names":{"kind":"Bad","singular":"bad","plural":"bads"},"spec":{"group":"demo.example","versions":{"v1":{"type":"string"}}}}
J
cup pack --wasm "$work/writer.wasm" --definition "$work/writer.json" -t writer:v1 >/dev/null

status() { curl -sS -o "$work/body" -w '%{http_code}' "$@"; }
json=(-H 'Content-Type: application/json')
refused() { # WHAT CODES CURL-ARGS…
    local what=$1 codes=$2 code
    shift 2
    code=$(status "$@")
    [[ " $codes " == *" $code "* ]] || fail "$what: $code where $codes was wanted: $(cat "$work/body")"
    jq -e '.kind == "Status" and .code == '"$code" "$work/body" >/dev/null || fail "$what: no Status object: $(cat "$work/body")"
    ! grep -qF "$work" "$work/body" || fail "$what: a path of the host is shown"
    ! grep -q 'of the host' "$work/body" || fail "$what: the host was read"
    diff -r "$host" "$work/host.before" >/dev/null || fail "$what: the host was written to"
    passed "$what: $code"
}
put_bad() { # PATH
    printf '%s' "$1" | jq -Rsc '{spec:.}' >"$work/request"
    status -X PUT "${json[@]}" -d @"$work/request" "$CUP_ADDRESS/apis/demo.example/v1/namespaces/default/bads/n"
}

# --- the same tree as a directory and as a repository ---------------------------------------------------
dir=$work/dir
mkdir -p "$dir/real/deep"
echo '{"apiVersion":"demo.example/v1","kind":"Widget","metadata":{"namespace":"real","name":"a"},"spec":{}}' >"$dir/real/a"
printf x >"$dir/plain"
printf x >"$dir/real/caf$(printf '\303\251')"
ln -s "$host/ns" "$dir/abs"
ln -s ../host/ns "$dir/up"
ln -s "$host/a.json" "$dir/real/link"
ln -s . "$dir/self"
printf x >"$dir/real/deep/sub"
git init -q -b main "$work/tree"
cp -a "$dir/." "$work/tree"
git -C "$work/tree" add -A
git -C "$work/tree" update-index --add --cacheinfo "160000,1234567890123456789012345678901234567890,real/module"
git -C "$work/tree" commit -qm tree
git clone -q --bare "$work/tree" "$work/repo.git"
mkdir "$dir/.git" "$dir/real/module"
echo '[core]' >"$dir/.git/config"

try_all() { # SOURCE
    local source=$1 widgets=$CUP_ADDRESS/apis/demo.example/v1/namespaces
    # --- 34
    for path in .git/config .GIT/x 'git~1/x' '.git::$INDEX_ALLOCATION/x' .gitmodules .github/workflows/x a/.git 'a/.git/x' 'a./x' \
        'a /x' $'a\rb' $'.g\u200cit/x' '.git /x' '.git./x' 'x\..\.git\config' .cup-stage-x; do
        code=$(put_bad "$path")
        [ "$source" = git ] && [ "$path" = .cup-stage-x ] && continue
        case $code in 502|422|409) ;; *) fail "t_adv_34 $source '$path': $code $(cat "$work/body")" ;; esac
    done
    passed "t_adv_34 $source: no controller writes what steers Git or cup"
    # --- 35
    for ns in abs up; do
        refused "t_adv_35 $source: GET through a link to a directory ($ns)" '404 409' "$widgets/$ns/widgets/a.json"
        refused "t_adv_35 $source: PUT through it" '409 422' -X PUT "${json[@]}" -d '{"spec":{}}' "$widgets/$ns/widgets/a.json"
        refused "t_adv_35 $source: DELETE through it" '404 409' -X DELETE "$widgets/$ns/widgets/a.json"
    done
    refused "t_adv_35 $source: GET of a link" '404 409 422 502' "$widgets/real/widgets/link"
    refused "t_adv_35 $source: PUT onto a link" '409 422' -X PUT "${json[@]}" -d '{"spec":{}}' "$widgets/real/widgets/link"
    refused "t_adv_35 $source: GET of a submodule" '404 409 422 502' "$widgets/real/widgets/module"
    refused "t_adv_35 $source: PUT onto it" '409 422' -X PUT "${json[@]}" -d '{"spec":{}}' "$widgets/real/widgets/module"
    refused "t_adv_35 $source: a wasm controller writes through a link" '409 422 502' -X PUT "${json[@]}" -d '{"spec":"up/new"}' "$widgets/default/bads/n"
    # --- 36
    refused "t_adv_36 $source: a file where a directory is needed" 409 -X PUT "${json[@]}" -d '{"spec":{}}' "$widgets/plain/widgets/x"
    grep -q "conflicts with" "$work/body" || fail "t_adv_36 $source: $(cat "$work/body")"
    refused "t_adv_36 $source: a directory where a file goes" 409 -X PUT "${json[@]}" -d '{"spec":{}}' "$widgets/real/widgets/deep"
    refused "t_adv_36 $source: another case of a name" 409 -X PUT "${json[@]}" -d '{"spec":{}}' "$widgets/real/widgets/A"
    grep -q "conflicts with 'real/a'" "$work/body" || fail "t_adv_36 $source: $(cat "$work/body")"
    refused "t_adv_36 $source: another case of a directory" 409 -X PUT "${json[@]}" -d '{"spec":{}}' "$widgets/Real/widgets/b"
    refused "t_adv_36 $source: the same letters composed otherwise" 409 -X PUT "${json[@]}" -d '{"spec":{}}' "$widgets/real/widgets/cafe%CC%81"
    holds "t_adv_36 $source: what is no twin is written" test "$(status -X PUT "${json[@]}" -d '{"spec":{}}' "$widgets/real/widgets/c")" = 202
}

before=$(cd "$dir" && find . -type f ! -path './.git/*' -exec sha256sum {} + | sort)
start_cupd -api-local-path "$dir" -api-resources "$work/resources" -api-image writer:v1
try_all local
stop_cupd
rm "$dir/real/c"
holds "t_adv_36 local: no other file was touched" test "$(cd "$dir" && find . -type f ! -path './.git/*' -exec sha256sum {} + | sort)" = "$before"
start_cupd -api-source git -api-git-repo "$work/repo.git" -api-resources "$work/resources" -api-image writer:v1
try_all git
stop_cupd
holds "t_adv_36 git: fsck finds nothing, and one proposal is there" sh -c "git -C '$work/repo.git' fsck --strict --no-dangling &&
    test \$(git -C '$work/repo.git' for-each-ref refs/heads/cup | wc -l) = 1"
holds "t_adv_36 git: which changes one file" test "$(git -C "$work/repo.git" diff --name-only main \
    "$(git -C "$work/repo.git" for-each-ref --format='%(refname)' refs/heads/cup)")" = real/c

# --- 35: trees that Git would not make ------------------------------------------------------------------
blob=$(git -C "$work/tree" hash-object -w --stdin <<<'{"apiVersion":"demo.example/v1","kind":"Widget","metadata":{"namespace":"real","name":"a"},"spec":{}}')
entry() { # MODE NAME
    printf '%s %s\0' "$1" "$2"
    printf '%s' "$blob" | sed 's/../\\x&/g' | xargs -0 printf
}
{ entry 100644 a; entry 100644 a; } >"$work/doubled"
{ entry 100644 b; entry 100644 a; } >"$work/unsorted"
{ entry 100644 a; entry 100644 ..; } >"$work/dots"
{ entry 100644 a; printf '100644 b'; } >"$work/torn"
for kind in doubled unsorted dots torn; do
    bad=$(git -C "$work/tree" hash-object -w -t tree --literally "$work/$kind")
    root=$(printf '040000 tree %s\treal\n' "$bad" | git -C "$work/tree" mktree)
    git -C "$work/tree" update-ref refs/heads/main "$(git -C "$work/tree" commit-tree -m "$kind" "$root")"
    rm -rf "$work/bad.git"
    git clone -q --bare --no-local -c transfer.fsckObjects=false "$work/tree" "$work/bad.git" 2>/dev/null || cp -r "$work/tree/.git" "$work/bad.git"
    start_cupd -api-source git -api-git-repo "$work/bad.git" -api-resources "$work/resources"
    objects=$CUP_ADDRESS/apis/demo.example/v1/namespaces/real/widgets
    refused "t_adv_35: GET in a tree that is $kind" '404 409' "$objects/a"
    refused "t_adv_35: PUT there" 409 -X PUT "${json[@]}" -d '{"spec":{"n":1}}' "$objects/a"
    holds "t_adv_35: nothing was proposed" test -z "$(git -C "$work/bad.git" for-each-ref refs/heads/cup)"
    stop_cupd
done

# --- 46: a directory and a link to the outside, swapped in a loop ----------------------------------------
seconds=${CUP_SWAP_SECONDS:-3}
swap=$work/swap
mkdir -p "$swap/in/ns" "$swap/spare" "$swap/out"
widget() { printf '{"apiVersion":"demo.example/v1","kind":"Widget","metadata":{"namespace":"ns","name":"a"},"spec":{"of":"%s","pad":"%s"}}' "$1" "$(head -c 3000 /dev/zero | tr '\0' "$2")"; }
widget inside i >"$swap/in/ns/a"
widget canary o >"$swap/out/a"
ln -s ../out "$swap/spare/ns"
cp -a "$swap/out" "$swap/out.before"
cat >"$work/swap.py" <<'P'
import ctypes, sys, time
libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, EXCHANGE = -100, 2
until = time.monotonic() + float(sys.argv[3])
swaps = 0
while time.monotonic() < until:
    if libc.renameat2(AT_FDCWD, sys.argv[1].encode(), AT_FDCWD, sys.argv[2].encode(), EXCHANGE) == 0:
        swaps += 1
print(swaps)
P
start_cupd -api-local-path "$swap/in" -api-resources "$work/resources"
objects=$CUP_ADDRESS/apis/demo.example/v1/namespaces/ns/widgets
python3 "$work/swap.py" "$swap/in/ns" "$swap/spare/ns" "$seconds" >"$work/swaps" &
swapper=$!
pids+=("$swapper")
body=$(jq -nc --arg pad "$(head -c 3000 /dev/zero | tr '\0' p)" '{spec:{of:"put",pad:$pad}}')
gets=0
while kill -0 "$swapper" 2>/dev/null; do
    code=$(status "$objects/a")
    case $code in
    200) jq -e '.spec | (.of == "inside" or .of == "put") and (.pad | length) == 3000' "$work/body" >/dev/null || fail "t_adv_46: $(cut -c1-200 "$work/body")" ;;
    404 | 409) ;;
    *) fail "t_adv_46: GET $code $(cat "$work/body")" ;;
    esac
    case $(status -X PUT "${json[@]}" -d "$body" "$objects/a") in 202 | 204 | 404 | 409) ;; *) fail "t_adv_46: PUT: $(cat "$work/body")" ;; esac
    case $(status -X PUT "${json[@]}" -d "$body" "$objects/b") in 202 | 204 | 404 | 409) ;; *) fail "t_adv_46: PUT: $(cat "$work/body")" ;; esac
    case $(status -X DELETE "$objects/b") in 202 | 204 | 404 | 409) ;; *) fail "t_adv_46: DELETE: $(cat "$work/body")" ;; esac
    gets=$((gets + 1))
done
wait "$swapper"
echo "# $gets rounds beside $(cat "$work/swaps") swaps"
holds "t_adv_46: both were at work" test "$gets" -gt 2 -a "$(cat "$work/swaps")" -gt 100
holds "t_adv_46: nothing outside was written, and no file torn or read from there" diff -r "$swap/out" "$swap/out.before"
stop_cupd
holds "it stopped by itself" test "$cupd_exit" = 0
done_testing
