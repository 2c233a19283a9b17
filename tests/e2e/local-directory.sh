#!/bin/bash
# A local directory as the source: what anybody changes in it shows at once, answers are kept all the same;
# several cupd on it lose no change, and one that is killed leaves no half of one.
. "$(dirname "$0")/../support/lib.sh"

mkdir -p "$work/resources" "$work/first/default" "$work/second/default"
cat >"$work/resources/all.json" <<'J'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"ResourceDefinition","metadata":{"name":"widgets.demo.example"},
 "names":{"kind":"Widget","singular":"widget","plural":"widgets"},"spec":{"group":"demo.example","versions":{"v1":{"type":"object"}}}}
J
cat >"$work/resources/controller.json" <<'J'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"Controller","metadata":{"name":"widgets"},"spec":{"type":"template",
 "spec":{"resource_template":"{{ .Namespace }}/{{ .Name }}.json","list_template":"{{ .Namespace }}/*.json"}}}
J
cat >"$work/resources/binding.json" <<'J'
{"apiVersion":"cup.flipt.io/v1alpha1","kind":"Binding","metadata":{"name":"widgets"},
 "spec":{"controller":"widgets","resources":["demo.example/v1/widgets"]}}
J
widget() { printf '{"apiVersion":"demo.example/v1","kind":"Widget","metadata":{"namespace":"default","name":"%s"},"spec":{"n":%s}}\n' "$1" "$2"; }
widget a 1 >"$work/first/default/a.json"
widget a 100 >"$work/second/default/a.json"
ln -s first "$work/current"
dir=$work/current/default

start_cupd -api-local-path "$work/current" -api-resources "$work/resources"
first_address=$CUP_ADDRESS
start_cupd -api-local-path "$work/current" -api-resources "$work/resources"
second_address=$CUP_ADDRESS
objects() { echo "$1/apis/demo.example/v1/namespaces/default/widgets"; }
one=$(objects "$first_address")
two=$(objects "$second_address")
# At once, not in a while.
n_is() { [ "$(curl -sS "$1" | jq -r '.spec.n // .reason')" = "$2" ]; }
names_are() { [ "$(curl -sS "$1" | jq -r .metadata.name | xargs)" = "$2" ]; }
put() { curl -sS -o "$work/body" -w '%{http_code}' -X PUT -H 'Content-Type: application/json' -d "{\"spec\":{\"n\":$2}}" "$1"; }
misses() { curl -sS "$first_address/metrics" | sed -n 's/^cup_result_cache_misses_total //p'; }

# --- what changes shows at once
holds "a file is served" n_is "$one/a" 1
widget a 2 >"$dir/a.json"
holds "an edit in place shows" n_is "$one/a" 2
widget a 3 >"$dir/new" && mv "$dir/new" "$dir/a.json"
holds "a file renamed over it shows" n_is "$one/a" 3
holds "the list has it" names_are "$one" a
widget b 1 >"$dir/b.json"
holds "a new file is listed" names_are "$one" 'a b'
rm "$dir/b.json"
holds "a removed one is not" names_are "$one" a
holds "nor got" n_is "$one/b" NotFound
mv "$work/first/default" "$work/first/away"
holds "a directory that was renamed takes its files along" n_is "$one/a" NotFound
mkdir "$work/first/default"
widget a 4 >"$dir/a.json"
holds "another one in its place shows" n_is "$one/a" 4
holds "PUT through one cupd …" test "$(put "$one/a" 5)" = 202
holds "… shows there" n_is "$one/a" 5
holds "… and in the other" n_is "$two/a" 5
ln -sfn second "$work/current"
holds "a path that leads elsewhere is followed" n_is "$one/a" 100
holds "PUT goes there, too" test "$(put "$one/a" 101)" = 202
holds "… and shows" n_is "$two/a" 101
holds "… while the first directory is left alone" test "$(jq .spec.n "$work/first/default/a.json")" = 5
rm "$work/current"
holds "without a directory: 503" test "$(curl -sS -o "$work/body" -w '%{http_code}' "$one/a")" = 503
holds "… for writes as well" test "$(put "$one/a" 1)" = 503
ln -s first "$work/current"
holds "… until there is one" n_is "$one/a" 5

# --- answers are kept: of 20 gets some follow each other within one stamp
before=$(misses)
for _ in $(seq 1 20); do curl -sS "$one/a" >/dev/null; done
holds "answers are kept while nothing changes" test $(($(misses) - before)) -lt 15

# --- no versions, no links out
holds "revisions: 400 NotVersioned" sh -c "curl -sS '$one/a?revision=main' | grep -q NotVersioned"

# --- a secret stays one
chmod 600 "$dir/a.json"
put "$one/a" 6 >/dev/null
holds "a file keeps its mode" test "$(stat -c %a "$dir/a.json")" = 600

# --- where no directory can be watched
if unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_inotify_watches' 2>/dev/null; then
    mkdir "$work/unwatched"
    cat >"$work/unwatched/cupd" <<B
#!/bin/sh
exec unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_inotify_watches; exec "\$0" "\$@"' '$CUP_BIN/cupd' "\$@"
B
    chmod +x "$work/unwatched/cupd"
    PATH=$work/unwatched:$PATH start_cupd -api-local-path "$work/current" -api-resources "$work/resources"
    three=$(objects "$CUP_ADDRESS")
    for n in 11 12 13 14 15; do
        widget a $n >"$dir/a.json"
        holds "without a watch an edit shows as well ($n)" n_is "$three/a" $n
    done
    holds "it is said once" test "$(grep -c 'cannot be watched' "$work/cupd.log")" = 1
fi

# --- two cupd, one file of many objects
pack_flipt flipt:v1 >/dev/null
mkdir "$work/flags"
printf 'namespace: default\nflags: []\n' >"$work/flags/features.yml"
start_cupd -api-local-path "$work/flags" -api-image flipt:v1
first=$CUP_ADDRESS
first_pid=$cupd_pid
start_cupd -api-local-path "$work/flags" -api-image flipt:v1
flag() { # ADDRESS NAME
    curl -sS -o /dev/null -w '%{http_code}\n' -X PUT -H 'Content-Type: application/json' \
        -d '{"spec":{"name":"x","description":"d","enabled":true,"type":"BOOLEAN_FLAG_TYPE"}}' \
        "$1/apis/flipt.io/v1alpha1/namespaces/default/flags/$2"
}
writers=()
for i in $(seq 1 20); do
    flag "$first" "a$i" >>"$work/codes" & writers+=($!)
    flag "$CUP_ADDRESS" "b$i" >>"$work/codes" & writers+=($!)
done
wait "${writers[@]}"
holds "40 writers through two cupd: all answered 202" test "$(sort "$work/codes" | uniq -c | xargs)" = '40 202'
holds "… and none is lost" test "$(grep -c '^ *- key: [ab]' "$work/flags/features.yml")" = 40

# --- killed while it writes several files
kill -9 "$first_pid"
wait "$first_pid" 2>/dev/null || true
guest=$work/guest.wasm
compile_guest "$guest" <<'C'
#include <stdio.h>
#include <sys/stat.h>
int main(void)
{
    const char *paths[] = {"/r/a", "/r/sub/b", "/r/new/er/c"};
    int bad = 0;
    remove("/r/gone");
    mkdir("/r/new", 0700);
    mkdir("/r/new/er", 0700);
    for (int i = 0; i < 3; i++) {
        FILE *f = fopen(paths[i], "w");
        bad |= f == NULL || fputs("new", f) < 0 || fclose(f) != 0;
    }
    return bad;
}
C
mkdir -p "$work/template/sub" "$work/broken"
printf old | tee "$work/template/a" "$work/template/sub/b" >"$work/template/gone"
for mode in kill fault; do
    holds "a writer broken off ($mode) at any point leaves each file old or new, and the next one brings all to the end" \
        python3 "$CUP_SOURCE_DIR/tests/support/crash.py" $mode --dir "$work/broken/d" --template "$work/template" --sample 16 \
        --check 'cd $D && for f in a sub/b gone new/er/c; do case $(cat $f 2>/dev/null) in old|new|"") ;; *) exit 1 ;; esac; done; test -n "$(cat a sub/b)"' \
        --final 'cd $D && test "$(cat a sub/b new/er/c)" = newnewnew && test ! -e gone && test -z "$(find . -name ".cup-*")"' \
        -- "$CUP_BIN/cup" controller exec --write --dir "$work/broken/d::/r" "$guest"
done
done_testing
