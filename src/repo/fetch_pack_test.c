#include "base/clock.h"
#include "base/fs.h"
#include "repo/fetch.h"
#include "repo/testing.h"

/* Sixteen bytes that libgit2 1.5 loses where its walk over commits meets a missing one ("no parent"). */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libgit2";
}

/* The lab is the remote; .git/near is the clone, of which `here` tells the refs. */
struct near {
    struct repo *repo;
    struct repo_refs here;
    atomic_bool cancel;
    struct wire wire;
};

static void near_open(const struct lab *l, struct near *n)
{
    struct err err = {0};
    autofree char *path = mem_printf("%s/.git/near", l->dir);
    const struct repo_options options = {.url = path};
    lab_ok(repo_open(&options, &n->repo, &err), &err);
    lab_ok(repo_ref_list(n->repo, "refs/", &n->here, &err), &err);
    n->wire = (struct wire){.end_ms = clock_monotonic_ms() + 60000, .cancel = &n->cancel};
}

static void near_cleanup(struct near *n)
{
    repo_refs_deinit(&n->here);
    repo_free(n->repo);
}
#define auto_near CLEANUP(near_cleanup)

#define BASE                                                                                       \
    "git init -q --bare .git/near; mkdir -p a other && seq 2000 >a/x && echo 3 >other/z && "       \
    "git add . && git commit -qm first && git push -q ./.git/near main && "
/* A second commit, with a submodule whose commit is nowhere. */
#define SECOND                                                                                     \
    "seq 2 2000 >a/x && echo new >a/y && git add . && git update-index --add --cacheinfo "         \
    "160000,0123456789012345678901234567890123456789,sub && git commit -qm second && "
#define PACK "git pack-objects -q --stdout >.git/pack"

/* What fetch.c does with an answer of version 2 that holds .git/pack. */
static enum err_kind
take_pack(const struct lab *l, struct near *n, struct fetch_pack *pack, struct err *err)
{
    autobuf struct buf bytes = {0};
    autofree char *path = mem_printf("%s/.git/pack", l->dir);
    *pack = (struct fetch_pack){.repo = n->repo, .wire = &n->wire, .version = 2};
    lab_ok(fs_read_file(path, 1 << 20, &bytes, err), err);
    enum err_kind kind = fetch_pack_take(pack, WIRE_PKT_DATA, STR("packfile\n"), err);
    for (struct str rest = buf_view(&bytes); kind == ERR_OK && rest.n > 0;
         rest = str_skip(rest, 100)) {
        autobuf struct buf band = {0};
        buf_char(&band, 1);
        buf_str(&band, str_take(rest, 100));
        kind = fetch_pack_take(pack, WIRE_PKT_DATA, buf_view(&band), err);
    }
    if (kind == ERR_OK)
        kind = fetch_pack_take(pack, WIRE_PKT_FLUSH, STR(""), err);
    return kind == ERR_OK ? fetch_pack_finish(pack, err) : kind;
}

/* The remote's main, as its list of refs would have it. */
static enum err_kind fetch(const struct lab *l, struct near *n, const char *tip, struct err *err)
{
    auto_fetch_pack struct fetch_pack pack = {0};
    struct repo_ref main = {.name = (char[]){"refs/heads/main"}, .commit = lab_rev(l, tip)};
    const struct repo_refs there = {&main, 1};
    enum err_kind kind = take_pack(l, n, &pack, err);
    if (kind == ERR_OK)
        kind = fetch_check(pack.quarantine.repo, &n->wire, &there, &n->here, err);
    return kind == ERR_OK ? fetch_pack_release(&pack, err) : kind;
}

#define NO_LEFTOVERS "test ! -e .git/near.incoming && test -z \"$(ls .git/near/objects/pack)\""

static void test_fetch_pack__takes_over_what_is_whole(void **state)
{
    struct lab *l = *state;
    static const char *const scripts[] = {
        BASE SECOND "git rev-list --objects main ^main~1 | " PACK,
        "rm -rf .git/near/objects/pack/* && printf 'main\n^main~1\n' | "
        "git pack-objects -q --stdout --revs --thin --delta-base-offset >.git/pack",
    };
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        auto_near struct near n = {0};
        struct err err = {0};
        lab_sh(l, scripts[i]);
        near_open(l, &n);
        lab_ok(fetch(l, &n, "main", &err), &err);
        lab_sh(
            l,
            "test ! -e .git/near.incoming && git --git-dir=.git/near fsck --strict >/dev/null 2>&1 "
            "&& git --git-dir=.git/near rev-list --objects \"$(git rev-parse main)\" >/dev/null");
        struct repo_id tip = lab_rev(l, "main");
        struct repo_id tree;
        struct vfs *vfs = NULL;
        lab_ok(repo_tree(n.repo, &tip, &vfs, &tree, &err), &err); /* without being opened again */
        vfs_free(vfs);
    }
}

struct row {
    const char *name;
    const char *script;
    enum err_kind kind;
    const char *is;
};

/* lacks FILTER: the pack without what it matches among the new objects. */
#define LACKS(filter)                                                                              \
    BASE SECOND "git rev-list --objects main ^main~1 | grep -v " filter " | cut -c1-40 | " PACK

static const struct row rows[] = {
    {"no file", LACKS("' a/y$'"), ERR_FAILED, "lacks the file 'a/y'"},
    {"no directory", LACKS("' a$'"), ERR_FAILED, "not complete"},
    {"no root", LACKS("' $'"), ERR_FAILED, "not complete"},
    {"no tip", LACKS("'^[0-9a-f]*$'"), ERR_FAILED, "lacks what 'refs/heads/main' points to"},
    {"no parent",
     BASE SECOND "echo 3 >a/x && git commit -qam third && git rev-list --objects main ^main~1 | "
                 "cut -c1-40 | " PACK,
     ERR_FAILED, "not complete"},
    {"damaged",
     BASE SECOND "git rev-list --objects main ^main~1 | " PACK
                 " && printf '\\377' | dd of=.git/pack bs=1 seek=60 conv=notrunc status=none",
     ERR_FAILED, ""},
    {"another hash at its end",
     BASE SECOND "git rev-list --objects main ^main~1 | " PACK
                 " && truncate -s -20 .git/pack && head -c 20 /dev/zero >>.git/pack",
     ERR_FAILED, "not good"},
    {"cut",
     BASE SECOND "git rev-list --objects main ^main~1 | " PACK " && truncate -s -30 .git/pack",
     ERR_FAILED, "broke off"},
    {"delta that makes 64 GiB",
     BASE
     "python3 -c 'import sys,zlib; sys.stdout.buffer.write(b\"PACK\\0\\0\\0\\2\\0\\0\\0\\1\""
     "+bytes([7<<4|12])+bytes(20)+zlib.compress(b\"\\5\\x80\\x80\\x80\\x80\\x80\\2\\x90\\5xyz\"))'"
     " >.git/pack && git commit -qm x --allow-empty",
     ERR_LIMIT, "68719476736"},
    {"delta over nothing",
     BASE "python3 -c 'import sys,zlib; sys.stdout.buffer.write(b\"PACK\\0\\0\\0\\2\\0\\0\\0\\1\""
          "+bytes([7<<4|4])+bytes(20)+zlib.compress(b\"\\5\\5\\x90\\5\")+bytes(20))'"
          " >.git/pack && git commit -qm x --allow-empty",
     ERR_FAILED, ""},
};

static void test_fetch_pack__leaves_the_clone_as_it_was(void **state)
{
    struct lab *l = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_near struct near n = {0};
        struct err err = {0};
        lab_sh(l, "find . -mindepth 1 -delete && git init -q -b main .");
        lab_sh(l, rows[i].script);
        near_open(l, &n);
        enum err_kind kind = fetch(l, &n, "main", &err);
        if (kind != rows[i].kind || strstr(err.text, rows[i].is) == NULL)
            fail_msg("%s: %d '%s'", rows[i].name, kind, err.text);
        lab_sh(l, NO_LEFTOVERS " && git --git-dir=.git/near fsck --strict >/dev/null 2>&1");
    }
}

static void test_fetch_pack__ends_when_time_is_over_or_it_is_called_off(void **state)
{
    struct lab *l = *state;
    auto_near struct near n = {0};
    struct err err = {0};
    lab_sh(l, BASE SECOND "git rev-list --objects main ^main~1 | " PACK);
    near_open(l, &n);
    n.wire.end_ms = clock_monotonic_ms() - 1;
    assert_int_equal(fetch(l, &n, "main", &err), ERR_TIMEOUT);
    n.wire.end_ms = clock_monotonic_ms() + 60000;
    n.cancel = true;
    assert_int_equal(fetch(l, &n, "main", &err), ERR_CANCELLED);
    lab_sh(l, NO_LEFTOVERS);
    n.cancel = false;
    lab_ok(fetch(l, &n, "main", &err), &err);
}

/* A killed process left its quarantine. */
static void test_fetch_pack__starts_anew_where_one_was_killed(void **state)
{
    struct lab *l = *state;
    auto_near struct near n = {0};
    struct err err = {0};
    lab_sh(
        l,
        BASE SECOND "git rev-list --objects main ^main~1 | " PACK
                    " && mkdir -p .git/near.incoming/objects/pack && echo x | tee "
                    ".git/near.incoming/HEAD >.git/near.incoming/objects/pack/pack-1.idx");
    near_open(l, &n);
    lab_ok(fetch(l, &n, "main", &err), &err);
    lab_sh(
        l, "test ! -e .git/near.incoming && git --git-dir=.git/near fsck --strict >/dev/null 2>&1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(test_fetch_pack__takes_over_what_is_whole),
        lab_test(test_fetch_pack__leaves_the_clone_as_it_was),
        lab_test(test_fetch_pack__ends_when_time_is_over_or_it_is_called_off),
        lab_test(test_fetch_pack__starts_anew_where_one_was_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
