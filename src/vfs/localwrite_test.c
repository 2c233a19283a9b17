#include "vfs/localwrite.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/ids.h"
#include "base/mem.h"
#include "base/testing.h"
#include "vfs/localtree.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
    char dir[64];
    struct vfs *tree;
};

static void run(const struct place *p, const char *command)
{
    autofree char *line = mem_printf("cd '%s' && %s", p->dir, command);
    if (system(line) != 0)
        fail_msg("%s", command);
}

static int set_up(void **state)
{
    struct place *p = mem_new(struct place);
    struct err err;
    snprintf(p->dir, sizeof(p->dir), "/tmp/cup-localwrite-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    run(p, "mkdir sub && printf A >a && printf B >sub/b");
    assert_int_equal(vfs_localtree_new(p->dir, &p->tree, &err), ERR_OK);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    vfs_free(p->tree);
    fs_remove_tree(p->dir);
    free(p);
    return 0;
}

static struct vfs_change put(const char *path)
{
    return (struct vfs_change){
        .kind = VFS_CHANGE_PUT, .path = str_from(path), .type = VFS_FILE, .bytes = STR("new")};
}

static struct vfs_change delete (const char *path)
{
    return (struct vfs_change){.kind = VFS_CHANGE_DELETE, .path = str_from(path)};
}

static enum err_kind apply(struct place *p, struct vfs_change *items, size_t count, struct err *err)
{
    struct vfs_localwrite *w = NULL;
    struct vfs_changes changes = {items, count};
    enum err_kind r = vfs_localwrite_begin(p->tree, 0, &w, err);
    if (r == ERR_OK)
        r = vfs_localwrite_apply(w, &changes, err);
    vfs_localwrite_end(w);
    return r;
}

static void test_localwrite__keeps_the_mode_of_a_file_that_was_there(void **state)
{
    struct place *p = *state;
    struct err err;
    struct vfs_change items[] = {put("a"), put("sub/b"), put("sub/c")};
    items[1].is_executable = true;
    run(p, "chmod 600 a && chmod 640 sub/b");
    assert_int_equal(apply(p, items, 3, &err), ERR_OK);
    run(p, "test \"$(stat -c %a a sub/b sub/c | xargs)\" = '600 750 644'");
    run(p, "test \"$(cat a sub/b sub/c)\" = newnewnew");
}

static void test_localwrite__leaves_nothing_behind(void **state)
{
    struct place *p = *state;
    struct err err;
    struct vfs_change good[] = {delete ("a"), put("deep/er/x")};
    struct vfs_change bad[] = {put("deep/er/x"), put("sub/b"), put("sub/b/c")};
    assert_int_equal(apply(p, good, 2, &err), ERR_OK);
    run(p, "test ! -e a && test \"$(find . -type f | sort | xargs)\" = './deep/er/x ./sub/b'");
    assert_int_equal(apply(p, bad, 3, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.text, "path 'sub/b/c' conflicts with 'sub/b'"));
    run(p, "test \"$(find . -type f | sort | xargs)\" = './deep/er/x ./sub/b'");
    run(p, "test \"$(cat sub/b)\" = B");
}

/* Written as a killed writer leaves it. */
static void leave_journal(struct place *p, char state, const char *id)
{
    autofree char *line = mem_printf(
        "printf '%c%s''Pa\\0Psub/b\\0Dsub/gone\\0P../out\\0' >.cup-stage && printf 1 "
        ">.cup-stage-%s-0 && "
        "printf 2 >sub/.cup-stage-%s-1 && printf B >'sub/.cup-stage-%s-1~' && printf x >sub/gone",
        state, id, id, id, id);
    run(p, line);
}

static void test_localwrite__takes_back_what_a_killed_writer_had_staged(void **state)
{
    struct place *p = *state;
    struct err err;
    char id[ID_CHARS + 1];
    id_new(id);
    leave_journal(p, 'S', id);
    assert_int_equal(apply(p, NULL, 0, &err), ERR_OK);
    run(p, "test \"$(find . -type f | sort | xargs)\" = './a ./sub/b ./sub/gone'");
    run(p, "test \"$(cat a sub/b)\" = AB");
}

static void
test_localwrite__brings_to_its_end_what_a_killed_writer_had_begun_to_rename(void **state)
{
    struct place *p = *state;
    struct err err;
    char id[ID_CHARS + 1];
    id_new(id);
    leave_journal(p, 'C', id);
    assert_int_equal(apply(p, NULL, 0, &err), ERR_OK);
    run(p, "test \"$(find . -type f | sort | xargs)\" = './a ./sub/b'");
    run(p, "test \"$(cat a sub/b)\" = 12");
}

static void test_localwrite__a_journal_that_is_none_of_ours_does_no_harm(void **state)
{
    static const char *const rows[] = {
        "printf '' >.cup-stage",
        "printf C >.cup-stage",
        "printf 'Cnot-an-id-of-26-characters-Da\\0' >.cup-stage",
        "printf 'C01ARZ3NDEKTSV4RRFFQ69G5FAVDa' >.cup-stage",
        "printf 'C01ARZ3NDEKTSV4RRFFQ69G5FAVD.git/config\\0D../a\\0D/etc/passwd\\0' >.cup-stage",
    };
    struct place *p = *state;
    struct err err;
    run(p, "mkdir .git && echo x >.git/config");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        run(p, rows[i]);
        assert_int_equal(apply(p, NULL, 0, &err), ERR_OK);
        run(p, "test \"$(find . -type f | sort | xargs)\" = './.git/config ./a ./sub/b'");
    }
    struct vfs_change change = put("a");
    run(p, "ln -s a .cup-stage");
    assert_int_equal(apply(p, &change, 1, &err), ERR_CONFLICT);
    run(p, "rm .cup-stage && mkdir .cup-stage");
    assert_int_equal(apply(p, &change, 1, &err), ERR_CONFLICT);
    run(p, "test \"$(cat a)\" = A");
}

static void test_localwrite__one_writer_at_a_time(void **state)
{
    struct place *p = *state;
    struct err err;
    struct vfs_localwrite *w = NULL;
    struct vfs_change change = put("a");
    assert_int_equal(vfs_localwrite_begin(p->tree, 0, &w, &err), ERR_OK);
    assert_int_equal(apply(p, &change, 1, &err), ERR_UNAVAILABLE);
    vfs_localwrite_end(w);
    assert_int_equal(apply(p, &change, 1, &err), ERR_OK);
}

static void count_up(struct place *p)
{
    struct err err;
    for (int i = 0; i < 50; i++) {
        struct vfs_localwrite *w = NULL;
        auto_vfs_data struct vfs_data before = {0};
        char text[24];
        uint64_t n = 0;
        if (vfs_localwrite_begin(p->tree, 20000, &w, &err) != ERR_OK ||
            vfs_read(p->tree, STR("n"), &before, &err) != ERR_OK || !str_to_u64(before.bytes, &n))
            _exit(1);
        struct vfs_change change = put("n");
        snprintf(text, sizeof(text), "%" PRIu64, n + 1);
        change.bytes = str_from(text);
        struct vfs_changes changes = {&change, 1};
        if (vfs_localwrite_apply(w, &changes, &err) != ERR_OK)
            _exit(2);
        vfs_localwrite_end(w);
    }
    _exit(0);
}

static void test_localwrite__several_processes_lose_no_change(void **state)
{
    struct place *p = *state;
    run(p, "printf 0 >n");
    pid_t child[4];
    for (size_t i = 0; i < ARRAY_LEN(child); i++) {
        child[i] = fork();
        if (child[i] == 0)
            count_up(p);
    }
    for (size_t i = 0; i < ARRAY_LEN(child); i++) {
        int status = -1;
        waitpid(child[i], &status, 0);
        assert_int_equal(status, 0);
    }
    run(p, "test \"$(cat n)\" = 200");
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROW(test_localwrite__keeps_the_mode_of_a_file_that_was_there),
        ROW(test_localwrite__leaves_nothing_behind),
        ROW(test_localwrite__takes_back_what_a_killed_writer_had_staged),
        ROW(test_localwrite__brings_to_its_end_what_a_killed_writer_had_begun_to_rename),
        ROW(test_localwrite__a_journal_that_is_none_of_ours_does_no_harm),
        ROW(test_localwrite__one_writer_at_a_time),
        ROW(test_localwrite__several_processes_lose_no_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
