# cup controller exec: a program of somebody else's runs over a directory, and changes it only where asked.
# shellcheck source=tests/support/lib.sh
. "$CUP_SOURCE_DIR/tests/support/lib.sh"

guest=$work/guest.wasm
compile_guest "$guest" <<'C'
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    return f == NULL || fputs(text, f) < 0 || fclose(f) != 0;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    char line[100];
    if (strcmp(verb, "args") == 0)
        for (int i = 2; i < argc; i++)
            printf("[%s]\n", argv[i]);
    else if (strcmp(verb, "env") == 0)
        printf("%s %s\n", getenv("A"), getenv("HOME") == NULL ? "none" : "some");
    else if (strcmp(verb, "echo") == 0)
        while (fgets(line, sizeof(line), stdin) != NULL)
            fputs(line, stdout);
    else if (strcmp(verb, "exit") == 0)
        return fprintf(stderr, "bye\n"), atoi(argv[2]);
    else if (strcmp(verb, "work") == 0)
        return mkdir("/repo/new", 0700) + put("/repo/new/deep", "made") + put("/repo/old", "changed") +
            unlink("/repo/gone") + atoi(argv[2]);
    else if (strcmp(verb, "link") == 0)
        return put("/repo/old", "changed") + symlink("../../etc/passwd", "/repo/link");
    else if (strcmp(verb, "read") == 0)
        return open(argv[2], O_RDONLY) < 0;
    else if (strcmp(verb, "spin") == 0)
        for (volatile int i = 0;; i++)
            ;
    else
        for (;;)
            fwrite(line, 1, sizeof(line), stdout);
    return 0;
}
C

exec="cup controller exec"
dir=$work/dir
fresh_dir() {
    rm -rf "$dir"
    mkdir "$dir"
    printf kept >"$dir/old"
    printf x >"$dir/gone"
    ln -s /etc/passwd "$dir/out"
}

# --- what the guest is given
expect_exit 0 $exec "$guest" args -x --help -- "a b" ''
holds "all behind the module is the guest's" test "$(cat "$stdout")" = "$(printf '[-x]\n[--help]\n[--]\n[a b]\n[]')"
expect_exit 0 $exec -e A=1 --env "A2==" "$guest" env
holds "it sees the variables named and no others" test "$(cat "$stdout")" = "1 none"
expect_exit 0 $exec "$guest" echo
holds "its input is empty" test ! -s "$stdout"
printf 'one\ntwo\n' >"$work/input"
expect_exit 0 $exec --stdin "$work/input" "$guest" echo
holds "or a file" cmp "$stdout" "$work/input"
expect_exit 0 $exec --stdin - "$guest" echo <"$work/input"
holds "or cup's own" cmp "$stdout" "$work/input"
expect_exit 77 $exec "$guest" exit 77
holds "its exit code is cup's, and its stderr as well" test "$(cat "$stderr")" = bye

# --- directories
fresh_dir
expect_exit 0 $exec --dir "$dir::/repo" "$guest" work 0
holds "without --write nothing changes" test "$(cat "$dir/old")$(ls "$dir")" = "keptgone
old
out"
expect_exit 3 $exec --write --dir "$dir::/repo" "$guest" work 3
holds "nor when the program fails" test "$(cat "$dir/old")" = kept
expect_exit 0 $exec --write --dir "$dir::/repo" "$guest" work 0
holds "else what changed is written back" test "$(cat "$dir/old" "$dir/new/deep")" = changedmade
holds "and what is deleted goes" test ! -e "$dir/gone"
fresh_dir
expect_exit 6 $exec --write --dir "$dir::/repo" "$guest" link
holds "a link is not written to the host, nor anything beside it" test "$(cat "$dir/old")" = kept
holds "and the error says so" grep -q "nothing is written back" "$stderr"
for path in /repo/out /repo/../etc/passwd /etc/passwd /repo/old/ /proc/self/environ; do
    expect_exit 1 $exec --dir "$dir::/repo" "$guest" read "$path"
done
expect_exit 1 $exec "$guest" read /repo/old
expect_exit 0 $exec --dir "$dir" "$guest" read /old

# --- limits and wrong usage
expect_exit 1 $exec --max-output 1KiB "$guest" flood
holds "a limit is named" grep -q output "$stderr"
holds "what came before it is printed" test "$(stat -c %s "$stdout")" -le 1024
expect_exit 1 $exec --memory 64KiB "$guest" args
expect_exit 8 $exec --timeout 200ms "$guest" spin
expect_exit 2 $exec
expect_exit 2 $exec --write "$guest" args
expect_exit 2 $exec --env A "$guest" args
expect_exit 2 $exec --dir ::x "$guest" args
expect_exit 2 $exec --memory 0 "$guest" args
expect_exit 3 $exec "$work/nothing.wasm"
expect_exit 3 $exec --dir "$work/nothing" "$guest" args
expect_exit 6 $exec "$work/input"
holds "what is no module is said to be none" grep -q "not a WebAssembly binary" "$stderr"
expect_exit 0 cup help controller exec
holds "help says how" grep -q 'MODULE \[ARG…\]' "$stdout"
done_testing
