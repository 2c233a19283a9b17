/* A repository in a temporary directory, made and checked by the git program. Tests only. */
#pragma once

#include "base/testing.h"

#include "base/buf.h"
#include "base/mem.h"
#include "repo/repo.h"

#include <stdio.h>
#include <unistd.h>

struct lab {
    char dir[64]; /* a work tree on branch main, with no commit yet */
    struct repo *repo;
};

/* git neither reads this machine's configuration nor asks who commits, or when. */
#define LAB_ENV                                                                                    \
    "export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=Ann "                \
    "GIT_AUTHOR_EMAIL=ann@example.com GIT_AUTHOR_DATE='1700000000 +0100' GIT_COMMITTER_NAME=Bob "  \
    "GIT_COMMITTER_EMAIL=bob@example.com GIT_COMMITTER_DATE='1700000100 +0000' LC_ALL=C; "

/* Exit code of a script in the work tree. */
static inline int lab_try(const struct lab *l, const char *script)
{
    autofree char *line = mem_printf("cd '%s' && { " LAB_ENV "%s\n}", l->dir, script);
    return system(line);
}

static inline void lab_sh(const struct lab *l, const char *script)
{
    int rc = lab_try(l, script);
    if (rc != 0)
        print_error("failed: %s\n", script);
    assert_int_equal(rc, 0);
}

/* What a script writes, without the line break at its end. It must succeed unless ret_rc takes its
 * exit code. */
static inline char *lab_out_rc(const struct lab *l, const char *script, int *ret_rc)
{
    autofree char *line = mem_printf("cd '%s' && { " LAB_ENV "%s\n}", l->dir, script);
    autobuf struct buf out = {0};
    char chunk[4096];
    size_t n;
    FILE *from = popen(line, "r");
    assert_non_null(from);
    while ((n = fread(chunk, 1, sizeof(chunk), from)) > 0)
        buf_add(&out, chunk, n);
    int rc = pclose(from);
    if (ret_rc != NULL)
        *ret_rc = rc;
    else
        assert_int_equal(rc, 0);
    if (out.n > 0 && out.p[out.n - 1] == '\n')
        out.p[--out.n] = '\0';
    return buf_steal(&out);
}

static inline char *lab_out(const struct lab *l, const char *script)
{
    return lab_out_rc(l, script, NULL);
}

static inline struct repo_id lab_id(const char *hex)
{
    struct repo_id id;
    struct err err = {0};
    if (repo_id_parse(str_from(hex), &id, &err) != ERR_OK)
        fail_msg("%s", err.text);
    return id;
}

/* The object that a revision in git's syntax names. */
static inline struct repo_id lab_rev(const struct lab *l, const char *revision)
{
    autofree char *script = mem_printf("git rev-parse --verify '%s'", revision);
    autofree char *hex = lab_out(l, script);
    return lab_id(hex);
}

static inline const char *lab_hex(const struct repo_id *id, char hex[REPO_ID_HEX + 1])
{
    repo_id_hex(id, hex);
    return hex;
}

/* Is `script`, with %s for the id, answered with `expected`? */
static inline void lab_expect(const struct lab *l, const char *script, const char *expected)
{
    autofree char *out = lab_out(l, script);
    assert_string_equal(out, expected);
}

static inline void lab_fsck(const struct lab *l)
{
    lab_sh(l, "git fsck --strict --no-dangling --no-progress >/dev/null");
}

#define lab_ok(kind, err)                                                                          \
    do {                                                                                           \
        enum err_kind kind_ = (kind);                                                              \
        if (kind_ != ERR_OK)                                                                       \
            print_error("%s\n", (err)->text);                                                      \
        assert_int_equal(kind_, ERR_OK);                                                           \
    } while (0)

static inline int lab_up(void **state)
{
    struct lab *l = mem_new(struct lab);
    struct err err;
    snprintf(l->dir, sizeof(l->dir), "/tmp/cup-repo-XXXXXX");
    assert_non_null(mkdtemp(l->dir));
    lab_sh(l, "git init -q -b main .");
    struct repo_options options = {.url = l->dir};
    lab_ok(repo_open(&options, &l->repo, &err), &err);
    *state = l;
    return 0;
}

static inline int lab_down(void **state)
{
    struct lab *l = *state;
    repo_free(l->repo);
    autofree char *line = mem_printf("chmod -R u+w '%s' && rm -rf '%s'", l->dir, l->dir);
    assert_int_equal(system(line), 0);
    free(l);
    return 0;
}

#define lab_test(f) cmocka_unit_test_setup_teardown(f, lab_up, lab_down)

/* A commit over `parent` (none: a root commit) by repo_commit. */
static inline enum err_kind lab_commit(
    struct lab *l,
    const struct repo_id *parent,
    const struct vfs_change *items,
    size_t count,
    struct repo_id *ret,
    bool *ret_is_same,
    struct err *err)
{
    autofree struct vfs_change *copy = mem_alloc((count + 1) * sizeof(*copy));
    for (size_t i = 0; i < count; i++)
        copy[i] = items[i];
    struct vfs_changes changes = {copy, count};
    struct repo_commit_spec spec = {
        .parents = parent,
        .parent_count = repo_id_is_none(parent) ? 0 : 1,
        .author = {"Ann", "ann@example.com"},
        .committer = {"cup", "cup@flipt.io"},
        .when_unix_s = 1700000000,
        .message = "a change\n\nCup-Object: g/v1/K ns/n\n",
    };
    return repo_commit(l->repo, &spec, &changes, ret, ret_is_same, err);
}

#define LAB_PUT(name, text)                                                                        \
    {                                                                                              \
        .kind = VFS_CHANGE_PUT, .path = STR(name), .type = VFS_FILE, .bytes = STR(text)            \
    }
#define LAB_DELETE(name)                                                                           \
    {                                                                                              \
        .kind = VFS_CHANGE_DELETE, .path = STR(name)                                               \
    }
