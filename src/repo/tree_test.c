#include "repo/testing.h"

static struct vfs *open_tree(struct lab *l, const char *revision)
{
    struct vfs *v = NULL;
    struct repo_id commit = lab_rev(l, revision);
    struct repo_id root;
    struct err err;
    lab_ok(repo_tree(l->repo, &commit, &v, &root, &err), &err);
    autofree char *script = mem_printf("%s^{tree}", revision);
    struct repo_id wanted = lab_rev(l, script);
    assert_true(repo_id_eq(&root, &wanted));
    return v;
}

static void assert_file(struct vfs *v, const char *path, const char *text)
{
    auto_vfs_data struct vfs_data d = {0};
    struct err err;
    lab_ok(vfs_read(v, str_from(path), &d, &err), &err);
    assert_int_equal(d.bytes.n, strlen(text));
    assert_memory_equal(d.bytes.p, text, d.bytes.n);
}

static void check_small_tree(struct lab *l)
{
    auto_vfs struct vfs *v = open_tree(l, "HEAD");
    static const struct {
        const char *path;
        enum vfs_type type;
        bool is_executable;
        uint64_t size;
    } rows[] = {
        {"", VFS_DIR, false, 0},       {"a", VFS_FILE, false, 1},   {"empty", VFS_FILE, false, 0},
        {"run", VFS_FILE, true, 2},    {"d", VFS_DIR, false, 0},    {"d/e", VFS_DIR, false, 0},
        {"d/e/f", VFS_FILE, false, 1}, {"lnk", VFS_LINK, false, 7}, {"d.x", VFS_FILE, false, 1},
        {"d0", VFS_FILE, false, 1},
    };
    struct err err;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct vfs_stat st;
        lab_ok(vfs_stat(v, str_from(rows[i].path), VFS_STAT_SIZE, &st, &err), &err);
        assert_int_equal(st.type, rows[i].type);
        assert_int_equal(st.is_executable, rows[i].is_executable);
        assert_int_equal(st.size, rows[i].size);
    }
    assert_file(v, "a", "A");
    assert_file(v, "empty", "");
    assert_file(v, "d/e/f", "F");
    assert_file(v, "lnk", "../etc/"); /* its target: links are never followed */
    auto_vfs_listing struct vfs_listing list = {0};
    lab_ok(vfs_list(v, STR(""), &list, &err), &err);
    static const char *const names[] = {"a", "d", "d.x", "d0", "empty", "lnk", "run"};
    assert_int_equal(list.count, ARRAY_LEN(names));
    for (size_t i = 0; i < list.count; i++)
        assert_string_equal(list.entries[i].name, names[i]);
    struct vfs_stat st;
    struct repo_id blob = lab_rev(l, "HEAD:a");
    lab_ok(vfs_stat(v, STR("a"), 0, &st, &err), &err);
    assert_int_equal(st.id.n, 20);
    assert_memory_equal(st.id.bytes, blob.bytes, 20);
}

static const char small_tree[] =
    "printf A >a; : >empty; printf '#!' >run; chmod +x run; mkdir -p d/e; printf F >d/e/f; "
    "printf X >d.x; printf 0 >d0; ln -s ../etc/ lnk; git add -A && git commit -qm small";

static void test_tree__reads_loose_and_packed_objects(void **state)
{
    struct lab *l = *state;
    lab_sh(l, small_tree);
    check_small_tree(l);
    lab_sh(l, "git gc -q --prune=now && test -z \"$(git count-objects | grep -v '^0 ')\"");
    check_small_tree(l); /* by the handles that saw them loose */
    struct repo *again = NULL;
    struct repo_options options = {.url = l->dir};
    struct err err;
    lab_ok(repo_open(&options, &again, &err), &err);
    repo_free(l->repo);
    l->repo = again;
    check_small_tree(l);
}

static void test_tree__fails_for_what_is_not_there(void **state)
{
    struct lab *l = *state;
    lab_sh(l, small_tree);
    auto_vfs struct vfs *v = open_tree(l, "HEAD");
    static const char *const missing[] = {"b", "a/b", "d/e/g", "lnk/passwd", "d/e/f/g", "D", "e"};
    struct err err;
    for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
        struct vfs_stat st;
        auto_vfs_data struct vfs_data d = {0};
        assert_int_equal(vfs_stat(v, str_from(missing[i]), 0, &st, &err), ERR_NOT_FOUND);
        assert_int_equal(vfs_read(v, str_from(missing[i]), &d, &err), ERR_NOT_FOUND);
    }
    auto_vfs_listing struct vfs_listing list = {0};
    auto_vfs_data struct vfs_data d = {0};
    assert_int_equal(vfs_list(v, STR("a"), &list, &err), ERR_INVALID);
    assert_int_equal(vfs_list(v, STR("lnk"), &list, &err), ERR_INVALID);
    assert_int_equal(vfs_read(v, STR("d"), &d, &err), ERR_INVALID);
    struct repo_id none = lab_id("0123456789012345678901234567890123456789");
    struct repo_id root;
    struct vfs *tree = NULL;
    assert_int_equal(repo_tree(l->repo, &none, &tree, &root, &err), ERR_NOT_FOUND);
    struct repo_id blob = lab_rev(l, "HEAD:a");
    assert_int_not_equal(repo_tree(l->repo, &blob, &tree, &root, &err), ERR_OK);
}

static void test_tree__lists_5000_entries(void **state)
{
    struct lab *l = *state;
    lab_sh(
        l,
        "b=$(printf x | git hash-object -w --stdin) && "
        "t=$(seq -f \"100644 blob $b\tname-%05g\" 5000 | git mktree) && "
        "u=$(printf \"040000 tree $t\tmany\n\" | git mktree) && "
        "git update-ref HEAD $(git commit-tree -m many $u)");
    auto_vfs struct vfs *v = open_tree(l, "HEAD");
    auto_vfs_listing struct vfs_listing list = {0};
    struct err err;
    lab_ok(vfs_list(v, STR("many"), &list, &err), &err);
    assert_int_equal(list.count, 5000);
    for (unsigned i = 0; i < 5000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "name-%05u", i + 1);
        assert_string_equal(list.entries[i].name, name);
        autofree char *path = mem_printf("many/%s", name);
        struct vfs_stat st;
        lab_ok(vfs_stat(v, str_from(path), 0, &st, &err), &err);
    }
    assert_file(v, "many/name-02500", "x");
}

static void test_tree__shows_a_submodule_but_reads_nothing(void **state)
{
    struct lab *l = *state;
    lab_sh(
        l,
        "t=$(printf '160000 commit %040d\tsub\n' 7 | git mktree --missing) && "
        "git update-ref HEAD $(git commit-tree -m sub $t)");
    auto_vfs struct vfs *v = open_tree(l, "HEAD");
    auto_vfs_data struct vfs_data d = {0};
    auto_vfs_listing struct vfs_listing list = {0};
    struct vfs_stat st;
    struct err err;
    lab_ok(vfs_stat(v, STR("sub"), VFS_STAT_SIZE, &st, &err), &err);
    assert_int_equal(st.type, VFS_OTHER);
    assert_int_equal(vfs_read(v, STR("sub"), &d, &err), ERR_INVALID);
    assert_int_equal(vfs_list(v, STR("sub"), &list, &err), ERR_INVALID);
    assert_int_equal(vfs_stat(v, STR("sub/x"), 0, &st, &err), ERR_NOT_FOUND);
}

/* Trees that git would never write: each shows one thing to one reader and another one to the next. */
static void test_tree__refuses_malformed_trees(void **state)
{
    struct lab *l = *state;
    static const struct {
        const char *name;
        const char *entries; /* for printf; an id is twenty letters */
    } rows[] = {
        {"unsorted", "100644 b\\0AAAAAAAAAAAAAAAAAAAA100644 a\\0AAAAAAAAAAAAAAAAAAAA"},
        {"twice", "100644 a\\0AAAAAAAAAAAAAAAAAAAA100644 a\\0BBBBBBBBBBBBBBBBBBBB"},
        {"file and directory", "100644 a\\0AAAAAAAAAAAAAAAAAAAA40000 a\\0BBBBBBBBBBBBBBBBBBBB"},
        {"twins apart",
         "100644 a\\0AAAAAAAAAAAAAAAAAAAA100644 a.b\\0AAAAAAAAAAAAAAAAAAAA40000 "
         "a\\0BBBBBBBBBBBBBBBBBBBB"},
        {"slash", "100644 a/b\\0AAAAAAAAAAAAAAAAAAAA"},
        {"dot dot", "40000 ..\\0AAAAAAAAAAAAAAAAAAAA"},
        {"dot", "40000 .\\0AAAAAAAAAAAAAAAAAAAA"},
        {"empty name", "100644 \\0AAAAAAAAAAAAAAAAAAAA"},
        {"cut id", "100644 a\\0AAAAAAAAAAAAAAAAAAA"},
        {"no end of name", "100644 aaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        {"no mode", " a\\0AAAAAAAAAAAAAAAAAAAA"},
        {"odd mode", "10x644 a\\0AAAAAAAAAAAAAAAAAAAA"},
        {"long mode", "00000000100644 a\\0AAAAAAAAAAAAAAAAAAAA"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autofree char *script = mem_printf(
            "t=$(printf '%s' | git hash-object -w -t tree --literally --stdin) && "
            "printf 'tree %%s\\nauthor A <a@b> 1 +0000\\ncommitter A <a@b> 1 +0000\\n\\nm\\n' $t | "
            "git hash-object -w -t commit --literally --stdin",
            rows[i].entries);
        autofree char *hex = lab_out(l, script);
        struct repo_id commit = lab_id(hex);
        struct repo_id root;
        struct vfs *v = NULL;
        struct err err;
        if (repo_tree(l->repo, &commit, &v, &root, &err) != ERR_CONFLICT)
            fail_msg("%s was read", rows[i].name);
    }
}

static char *loose_path(struct lab *l, const char *revision)
{
    autofree char *script = mem_printf("git rev-parse '%s'", revision);
    autofree char *hex = lab_out(l, script);
    return mem_printf(".git/objects/%.2s/%s", hex, hex + 2);
}

static void test_tree__says_which_object_is_damaged(void **state)
{
    struct lab *l = *state;
    static const char *const damages[] = {
        "rm -f %s",
        "chmod u+w %s && printf garbage >%s",
        "chmod u+w %s && : >%s",
    };
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        autofree char *script = mem_printf("printf %zu >a && git add a && git commit -qm x", i);
        lab_sh(l, script);
        autofree char *object = loose_path(l, "HEAD:a");
        autofree char *damage = mem_dup(damages[i], strlen(damages[i]) + 1);
        autobuf struct buf line = {0};
        for (struct str rest = str_from(damage); rest.p != NULL;) {
            ptrdiff_t at = str_search(rest, STR("%s"));
            buf_str(&line, at < 0 ? rest : str_take(rest, (size_t)at));
            if (at < 0)
                break;
            buf_text(&line, object);
            rest = str_skip(rest, (size_t)at + 2);
        }
        lab_sh(l, line.p);
        auto_vfs struct vfs *v = open_tree(l, "HEAD");
        auto_vfs_data struct vfs_data d = {0};
        struct err err;
        assert_int_not_equal(vfs_read(v, STR("a"), &d, &err), ERR_OK);
        assert_int_not_equal(err.kind, ERR_NOT_FOUND);
        assert_non_null(strstr(err.text, "blob"));
        assert_null(strstr(err.text, l->dir)); /* no host path */
    }
}

static void test_tree__finds_content_under_the_wrong_name(void **state)
{
    struct lab *l = *state;
    lab_sh(l, "printf good >a && printf evil >b && git add a b && git commit -qm x");
    autofree char *a = loose_path(l, "HEAD:a");
    autofree char *b = loose_path(l, "HEAD:b");
    autofree char *script = mem_printf("chmod u+w %s && cp %s %s", a, b, a);
    lab_sh(l, script);
    auto_vfs struct vfs *v = open_tree(l, "HEAD");
    auto_vfs_data struct vfs_data d = {0};
    struct err err;
    assert_int_equal(vfs_read(v, STR("a"), &d, &err), ERR_UNVERIFIED);
}

static void test_tree__of_a_directory_entry_that_is_a_blob(void **state)
{
    struct lab *l = *state;
    lab_sh(
        l,
        "b=$(printf x | git hash-object -w --stdin) && "
        "e=$(printf %s $b | sed 's/../\\\\x&/g') && "
        "t=$(bash -c \"printf '40000 d\\\\0$e'\" | git hash-object -w -t tree --literally "
        "--stdin) && git update-ref HEAD $(git commit-tree -m x $t)");
    auto_vfs struct vfs *v = open_tree(l, "HEAD");
    struct vfs_stat st;
    struct err err;
    assert_int_equal(vfs_stat(v, STR("d/x"), 0, &st, &err), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lab_test(test_tree__reads_loose_and_packed_objects),
        lab_test(test_tree__fails_for_what_is_not_there),
        lab_test(test_tree__lists_5000_entries),
        lab_test(test_tree__shows_a_submodule_but_reads_nothing),
        lab_test(test_tree__refuses_malformed_trees),
        lab_test(test_tree__says_which_object_is_damaged),
        lab_test(test_tree__finds_content_under_the_wrong_name),
        lab_test(test_tree__of_a_directory_entry_that_is_a_blob),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
