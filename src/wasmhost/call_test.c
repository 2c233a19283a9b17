#include "wasmhost/wasmhost.h"

#include "base/fs.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "base/testing.h"
#include "vfs/memtree.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    struct wasmhost *host;
    struct wasmhost_module *guest;
    struct wasmhost_module *pointers;
    struct vfs *tree;
    char cache[64];
};

/* cmocka takes the signals of each test for itself; the engine needs those that make a trap. */
static const int trap_signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS};
static struct sigaction engine_actions[ARRAY_LEN(trap_signals)];

static void keep_engine_signals(void)
{
    for (size_t i = 0; i < ARRAY_LEN(trap_signals); i++)
        sigaction(trap_signals[i], NULL, &engine_actions[i]);
}

static void use_engine_signals(void)
{
    for (size_t i = 0; i < ARRAY_LEN(trap_signals); i++)
        sigaction(trap_signals[i], &engine_actions[i], NULL);
}

static void read_module(const char *name, struct buf *to)
{
    struct err err;
    autofree char *path = fs_join(CUP_GUESTS, name);
    assert_int_equal(fs_read_file(path, (size_t)64 << 20, to, &err), ERR_OK);
}

static struct wasmhost_module *load(struct wasmhost *h, const char *name)
{
    autobuf struct buf wasm = {0};
    struct wasmhost_module *m = NULL;
    struct err err;
    read_module(name, &wasm);
    assert_int_equal(wasmhost_load(h, buf_view(&wasm), name, &m, &err), ERR_OK);
    return m;
}

static struct wasmhost *new_host(const char *cache)
{
    struct wasmhost_options options = {.cache_dir = cache, .instances_max = 4};
    struct wasmhost *h = NULL;
    struct err err;
    assert_int_equal(wasmhost_new(&options, &h, &err), ERR_OK);
    return h;
}

static struct vfs *new_tree(void)
{
    static const struct {
        const char *path;
        enum vfs_type type;
        const char *bytes;
    } nodes[] = {
        {"a", VFS_FILE, "A"},
        {"dir/b", VFS_FILE, "B"},
        {"dir/sub/c", VFS_FILE, "CCC"},
        {"up", VFS_LINK, ".."},
        {"abs", VFS_LINK, "/etc/passwd"},
        {"loop", VFS_LINK, "loop"},
        {"to-b", VFS_LINK, "dir/b"},
        {"to-dir", VFS_LINK, "dir"},
        {"dir/to-a", VFS_LINK, "../a"},
    };
    struct vfs *v = memtree_new();
    struct err err;
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
        assert_int_equal(
            memtree_add(v, str_from(nodes[i].path), nodes[i].type, str_from(nodes[i].bytes), &err),
            ERR_OK);
    for (int i = 0; i < 1000; i++) {
        autofree char *path = mem_printf("many/file-with-a-name-%04d", i);
        assert_int_equal(memtree_add(v, str_from(path), VFS_FILE, STR("x"), &err), ERR_OK);
    }
    return v;
}

static int set_up(void **state)
{
    struct fixture *f = mem_new(struct fixture);
    snprintf(f->cache, sizeof(f->cache), "/tmp/cup-wasmhost-XXXXXX");
    assert_non_null(mkdtemp(f->cache));
    f->host = new_host(f->cache);
    f->guest = load(f->host, "guest.wasm");
    f->pointers = load(f->host, "pointers.wasm");
    f->tree = new_tree();
    keep_engine_signals();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    autofree char *command = mem_printf("rm -rf '%s'", f->cache);
    wasmhost_module_unref(f->guest);
    wasmhost_module_unref(f->pointers);
    wasmhost_free(f->host);
    vfs_free(f->tree);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

struct run {
    struct wasmhost_call call;
    struct wasmhost_result result;
    struct err err;
    enum err_kind kind;
    const char *args[6];
};

static void run_deinit(struct run *r)
{
    wasmhost_result_deinit(&r->result);
}
#define auto_run CLEANUP(run_deinit)

static void
run(struct wasmhost_module *m, struct run *r, const char *verb, const char *a, const char *b)
{
    const char *const given[] = {"wasi", verb, a, b};
    use_engine_signals();
    r->call.arg_count = 0;
    for (size_t i = 0; i < ARRAY_LEN(given) && given[i] != NULL; i++)
        r->args[r->call.arg_count++] = given[i];
    r->call.args = r->args;
    r->kind = wasmhost_call(m, &r->call, &r->result, &r->err);
}

static const char *out(const struct run *r)
{
    return r->result.out.p == NULL ? "" : r->result.out.p;
}

/* --- reading --------------------------------------------------------------------------------------- */

static void test_call__gives_arguments_input_output_and_exit_code(void **state)
{
    struct fixture *f = *state;
    auto_run struct run r = {.call.tree = f->tree, .call.stdin_bytes = STR("from stdin")};
    run(f->guest, &r, "args", "x y", "");
    assert_int_equal(r.kind, ERR_OK);
    assert_string_equal(out(&r), "[wasi][args][x y][] env=0\n");
    wasmhost_result_deinit(&r.result);
    run(f->guest, &r, "cat", "-", NULL);
    assert_string_equal(out(&r), "from stdin");
    wasmhost_result_deinit(&r.result);
    run(f->guest, &r, "exit", "3", NULL);
    assert_int_equal(r.kind, ERR_OK);
    assert_int_equal(r.result.exit_code, 3);
}

/* All zero where the function was not called. */
static struct wasmhost_profile_row profile_row(const struct wasmhost_profile *p, const char *name)
{
    for (size_t i = 0; i < p->row_count; i++) {
        if (strcmp(p->rows[i].name, name) == 0)
            return p->rows[i];
    }
    return (struct wasmhost_profile_row){0};
}

static void test_call__a_profile_counts_host_calls_and_bytes(void **state)
{
    struct fixture *f = *state;
    struct wasmhost_profile p;
    auto_run struct run r = {.call.tree = f->tree, .call.profile = &p};
    memset(&p, 0xff, sizeof(p));
    run(f->guest, &r, "cat", "dir/sub/c", NULL);
    assert_int_equal(r.kind, ERR_OK);
    assert_int_equal(profile_row(&p, "path_open").count, 1);
    assert_int_equal(profile_row(&p, "fd_read").bytes, 3);
    assert_int_equal(profile_row(&p, "fd_write").bytes, 3);
    assert_int_equal(profile_row(&p, "fd_readdir").count, 0);
    assert_int_equal(profile_row(&p, "path_open").bytes, 0);
    assert_true(p.memory_bytes >= 65536 && p.memory_bytes % 65536 == 0);
    assert_true(p.instantiate_ns > 0 && p.run_ns >= p.host_ns && p.host_ns > 0);
    uint64_t sum = 0;
    for (size_t i = 0; i < p.row_count; i++)
        sum += p.rows[i].ns;
    assert_true(sum == p.host_ns);
}

static void test_call__reads_files_through_links_inside_the_tree(void **state)
{
    static const struct {
        const char *path, *text;
    } rows[] = {
        {"/a", "A"},        {"dir/sub/c", "CCC"},         {"/dir/../a", "A"}, {"/to-b", "B"},
        {"/to-dir/b", "B"}, {"/to-dir/sub/../to-a", "A"}, {"/./dir//b", "B"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_run struct run r = {.call.tree = f->tree};
        run(f->guest, &r, "cat", rows[i].path, NULL);
        assert_int_equal(r.kind, ERR_OK);
        assert_string_equal(out(&r), rows[i].text);
    }
}

static void test_call__lists_a_directory_of_a_thousand(void **state)
{
    struct fixture *f = *state;
    auto_run struct run r = {.call.tree = f->tree};
    run(f->guest, &r, "list", "/many", NULL);
    assert_int_equal(r.kind, ERR_OK);
    struct str rest = buf_view(&r.result.out);
    assert_true(str_eqz(str_cut(&rest, '\n'), ". 3"));
    assert_true(str_eqz(str_cut(&rest, '\n'), ".. 3"));
    for (int i = 0; i < 1000; i++) {
        autofree char *line = mem_printf("file-with-a-name-%04d 4", i);
        assert_true(str_eqz(str_cut(&rest, '\n'), line));
    }
    assert_int_equal(rest.n, 0);
}

static void test_call__stat_is_the_same_for_everyone(void **state)
{
    static const struct {
        const char *path, *starts;
    } rows[] = {
        {"/a", "file size=1 mtime=1640995200 ino="},
        {"/dir", "dir size=0 mtime=1640995200 ino="},
        {"/to-b", "link size=5 mtime=1640995200 ino="}};
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_run struct run r = {.call.tree = f->tree};
        run(f->guest, &r, "stat", rows[i].path, NULL);
        assert_true(str_starts(buf_view(&r.result.out), str_from(rows[i].starts)));
    }
}

static void test_call__read_globs_hide_everything_else(void **state)
{
    const struct str globs[] = {STR("dir/**")};
    const struct str narrow[] = {STR("dir/sub/*"), STR("a")};
    struct fixture *f = *state;
    auto_run struct run r = {
        .call = {
            .tree = f->tree,
            .read_globs = globs,
            .read_glob_count = 1,
            .narrow_globs = narrow,
            .narrow_glob_count = 2}};
    run(f->guest, &r, "list", "/", NULL);
    assert_string_equal(out(&r), ". 3\n.. 3\ndir 3\n");
    wasmhost_result_deinit(&r.result);
    run(f->guest, &r, "list", "/dir", NULL);
    assert_string_equal(out(&r), ". 3\n.. 3\nsub 3\n");
    wasmhost_result_deinit(&r.result);
    run(f->guest, &r, "cat", "/a", NULL);
    assert_int_equal(r.result.exit_code, 1);
    wasmhost_result_deinit(&r.result);
    run(f->guest, &r, "cat", "/dir/sub/c", NULL);
    assert_string_equal(out(&r), "CCC");
}

/* --- writing --------------------------------------------------------------------------------------- */

static void show_changes(struct overlay *o, struct buf *to)
{
    struct vfs_changes changes;
    struct err err;
    assert_int_equal(overlay_changes(o, &changes, &err), ERR_OK);
    for (size_t i = 0; i < changes.count; i++)
        buf_printf(
            to, "%c" STR_FMT "=" STR_FMT "\n", changes.items[i].kind == VFS_CHANGE_PUT ? '+' : '-',
            STR_ARG(changes.items[i].path),
            STR_ARG(changes.items[i].kind == VFS_CHANGE_PUT ? changes.items[i].bytes : STR("")));
}

static void test_call__writes_go_to_the_overlay_alone(void **state)
{
    static const struct {
        const char *verb, *a, *b;
        const char *changes;
    } rows[] = {
        {"write", "/new", "text", "+new=text\n"},
        {"write", "/a", "X", "+a=X\n"},
        {"write", "/a", "A", ""},
        {"write", "/to-b", "through", "+dir/b=through\n"},
        {"append", "/a", "BC", "+a=ABC\n"},
        {"unlink", "/dir/b", NULL, "-dir/b=\n"},
        {"unlink", "/to-b", NULL, "-to-b=\n"},
        {"shared", NULL, NULL, ""},
        {"tree", NULL, NULL, "+moved/e/f=text\n"},
        {"dirfds", NULL, NULL, ""},
        {"keep", "/kept", "until the end", "+kept=until the end\n"},
        {"tty", NULL, NULL, ""},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct overlay *o = overlay_new(f->tree, 1 << 20);
        autobuf struct buf changes = {0};
        auto_run struct run r = {.call.overlay = o};
        run(f->guest, &r, rows[i].verb, rows[i].a, rows[i].b);
        if (r.kind != ERR_OK || r.result.exit_code != 0)
            fail_msg(
                "%s: %d %s %s", rows[i].verb, r.result.exit_code, r.err.text,
                r.result.diagnostics.p);
        show_changes(o, &changes);
        assert_string_equal(changes.p == NULL ? "" : changes.p, rows[i].changes);
        overlay_free(o);
    }
}

static void test_call__a_write_that_cannot_be_kept_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct overlay *o = overlay_new(f->tree, 3);
    auto_run struct run r = {.call.overlay = o};
    run(f->guest, &r, "keep", "/kept", "longer");
    assert_int_equal(r.kind, ERR_LIMIT);
    overlay_free(o);
}

static void test_call__truncating_does_not_count_what_was_there(void **state)
{
    struct fixture *f = *state;
    struct overlay *o = overlay_new(f->tree, 100);
    autobuf struct buf changes = {0};
    auto_run struct run r = {.call = {.overlay = o, .limits = {.written_bytes = 2}}};
    run(f->guest, &r, "write", "/dir/sub/c", "X");
    assert_int_equal(r.kind, ERR_OK);
    show_changes(o, &changes);
    assert_string_equal(changes.p, "+dir/sub/c=X\n");
    overlay_free(o);
}

static void test_adv_51__a_tree_that_is_only_read_stays_as_it_is(void **state)
{
    struct fixture *f = *state;
    auto_run struct run r = {.call.tree = f->tree};
    run(f->guest, &r, "readonly", NULL, NULL);
    assert_int_equal(r.kind, ERR_OK);
    assert_int_equal(r.result.exit_code, 0);
}

static void test_adv_51__no_path_leads_out_of_the_tree(void **state)
{
    struct fixture *f = *state;
    struct overlay *o = overlay_new(f->tree, 1 << 20);
    autobuf struct buf changes = {0};
    auto_run struct run r = {.call.overlay = o};
    run(f->guest, &r, "escapes", NULL, NULL);
    assert_int_equal(r.kind, ERR_OK);
    assert_int_equal(r.result.exit_code, 0);
    show_changes(o, &changes);
    assert_null(changes.p);
    overlay_free(o);
}

/* --- containment ----------------------------------------------------------------------------------- */

static void test_adv_47_49_50__each_limit_ends_the_call_and_is_named(void **state)
{
    static const struct {
        const char *what;
        enum err_kind kind;
        const char *names;
    } rows[] = {
        {"time", ERR_TIMEOUT, "time limit of 200 ms"},
        {"stack", ERR_FAILED, "stack"},
        {"output", ERR_LIMIT, "output"},
        {"files", ERR_LIMIT, "open files"},
        {"written", ERR_LIMIT, "written"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct overlay *o = overlay_new(f->tree, 64 << 20);
        auto_run struct run r = {
            .call = {
                .overlay = o,
                .limits = {
                    .timeout_ms = 200,
                    .output_bytes = 1 << 20,
                    .open_files = 50,
                    .written_bytes = 1 << 20}}};
        if (strcmp(rows[i].what, "time") != 0)
            r.call.limits.timeout_ms = 60000;
        run(f->guest, &r, "hog", rows[i].what, NULL);
        if (r.kind != rows[i].kind || strstr(r.err.text, rows[i].names) == NULL)
            fail_msg("%s: kind %d, '%s'", rows[i].what, r.kind, r.err.text);
        assert_true(r.result.out.n <= 1 << 20);
        overlay_free(o);
    }
}

static void test_adv_48__memory_beyond_the_limit_is_refused_to_the_guest(void **state)
{
    struct fixture *f = *state;
    auto_run struct run r = {.call = {.tree = f->tree, .limits = {.memory_bytes = 16 << 20}}};
    run(f->guest, &r, "hog", "memory", NULL);
    assert_int_equal(r.kind, ERR_OK);
    assert_int_equal(r.result.exit_code, 1);
    wasmhost_result_deinit(&r.result);
    r.call.limits.memory_bytes = 1000;
    run(f->guest, &r, "args", NULL, NULL);
    assert_int_equal(r.kind, ERR_LIMIT);
}

static void test_adv_49__of_standard_error_the_end_is_kept(void **state)
{
    struct fixture *f = *state;
    auto_run struct run r = {.call.tree = f->tree};
    run(f->guest, &r, "hog", "stderr", NULL);
    assert_int_equal(r.result.exit_code, 1);
    assert_true(r.result.diagnostics.n <= 128 << 10);
    assert_true(str_ends(buf_view(&r.result.diagnostics), STR("\nthe last line\n")));
}

static void test_call__a_trap_is_an_error_with_its_reason(void **state)
{
    struct fixture *f = *state;
    auto_run struct run r = {.call.tree = f->tree};
    run(f->guest, &r, "trap", NULL, NULL);
    assert_int_equal(r.kind, ERR_FAILED);
    assert_non_null(strstr(r.err.text, "unreachable"));
}

static void test_adv_50__bad_pointers_and_descriptors_are_errnos(void **state)
{
    struct fixture *f = *state;
    auto_run struct run r = {.call.tree = f->tree};
    run(f->pointers, &r, NULL, NULL, NULL);
    assert_int_equal(r.kind, ERR_OK);
    assert_int_equal(r.result.exit_code, 7);
    /* EFAULT (21) is 'E', EBADF (8) is '8', ENOTSOCK (57) is 'i' */
    assert_string_equal(out(&r), "EEEEEEEEEEEEEEEE88i");
}

/* --- sameness -------------------------------------------------------------------------------------- */

static void test_call__clocks_and_random_bytes_are_the_same_each_time(void **state)
{
    struct fixture *f = *state;
    auto_run struct run first = {.call.tree = f->tree};
    run(f->guest, &first, "clock", NULL, NULL);
    assert_true(str_starts(buf_view(&first.result.out), STR("1640995200 5.000000000 ")));
    for (int i = 0; i < 20; i++) {
        auto_run struct run again = {.call.tree = f->tree};
        run(f->guest, &again, "clock", NULL, NULL);
        assert_string_equal(out(&again), out(&first));
    }
}

struct crowd {
    struct fixture *f;
    int wrong;
};

static void *crowd_thread(void *data)
{
    struct crowd *c = data;
    for (int i = 0; i < 20; i++) {
        auto_run struct run r = {.call.tree = c->f->tree};
        run(c->f->guest, &r, i % 2 ? "cat" : "clock", "/dir/b", NULL);
        if (r.kind != ERR_OK || (i % 2 && strcmp(out(&r), "B") != 0))
            c->wrong++;
    }
    return NULL;
}

/* More threads than instances: the rest waits. */
static void test_call__runs_side_by_side(void **state)
{
    struct crowd crowds[8];
    pthread_t threads[8];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        crowds[i] = (struct crowd){.f = *state};
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_thread, &crowds[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(crowds[i].wrong, 0);
    }
}

/* --- loading --------------------------------------------------------------------------------------- */

#define WASM "\0asm\1\0\0\0"

static void test_adv_52__modules_that_are_no_controllers_are_refused(void **state)
{
    static const struct {
        struct str bytes;
        const char *names;
    } rows[] = {
        {STR("hello"), "not a WebAssembly binary"},
        {STR("\0asm\x0d\0\1\0"), "component"},
        {STR(WASM), "_start"},
        {STR(WASM "\x01\x04\x01\x60\x00\x00\x02\x09\x01\x03"
                  "env\x01"
                  "x\x00\x00"),
         "'x' from 'env'"},
        {STR(WASM "\x01\x04\x01\x60\x00\x00\x02\x1f\x01\x16wasi_snapshot_preview1\x04nope\x00\x00"),
         "nope"},
        {STR(WASM "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x07\x0a\x01\x06_start\x00\x00\x0a\x04"
                  "\x01\x02\x00\x0b"),
         "memory"},
        {STR(WASM "\x05\x03\x01\x04\x01"), "compile"},     /* 64-bit memory */
        {STR(WASM "\x05\x04\x01\x03\x01\x01"), "compile"}, /* shared memory */
        {STR(WASM "\x01\x04"), "compile"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct wasmhost_module *m = NULL;
        struct err err = {0};
        autofree char *digest = mem_printf("bad-%zu", i);
        assert_int_equal(wasmhost_load(f->host, rows[i].bytes, digest, &m, &err), ERR_INVALID);
        if (strstr(err.text, rows[i].names) == NULL)
            fail_msg("row %zu: %s", i, err.text);
    }
}

/* The one file with that suffix in a cache that was just made. */
static char *only_file(const char *dir, const char *suffix)
{
    DIR *d = opendir(dir);
    char *found = NULL;
    struct dirent *e;
    while ((e = readdir(d)) != NULL) {
        if (str_ends(str_from(e->d_name), str_from(suffix))) {
            assert_null(found);
            found = fs_join(dir, e->d_name);
        }
    }
    closedir(d);
    assert_non_null(found);
    return found;
}

/* A negative offset counts from the end. */
static void flip_byte(const char *path, off_t at)
{
    char c;
    assert_int_equal(chmod(path, 0600), 0);
    int fd = open(path, O_RDWR);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    at = at < 0 ? st.st_size + at : at;
    assert_int_equal(pread(fd, &c, 1, at), 1);
    c ^= 1;
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    close(fd);
    assert_int_equal(chmod(path, 0400), 0);
}

static ino_t inode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

static void load_once(const char *cache)
{
    struct wasmhost *h = new_host(cache);
    struct wasmhost_module *m = load(h, "pointers.wasm");
    wasmhost_module_unref(m);
    wasmhost_free(h);
}

static void test_cache__is_used_and_what_is_tampered_with_is_made_anew(void **state)
{
    char cache[] = "/tmp/cup-wasmhost-cache-XXXXXX";
    struct stat st;
    (void)state;
    assert_non_null(mkdtemp(cache));
    load_once(cache);
    autofree char *path = only_file(cache, ".cwasm");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0400);
    ino_t first = inode_of(path);
    load_once(cache);
    assert_int_equal(inode_of(path), first); /* read, not written again */
    const off_t places[] = {0, 5000, -5000, -1};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        flip_byte(path, places[i]);
        load_once(cache);
        assert_int_not_equal(inode_of(path), first);
        first = inode_of(path);
    }
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(truncate(path, st.st_size - 4096), 0);
    assert_int_equal(chmod(path, 0400), 0);
    load_once(cache);
    assert_int_not_equal(inode_of(path), first);
    first = inode_of(path);
    assert_int_equal(chmod(path, 0644), 0); /* somebody could have written it */
    load_once(cache);
    assert_int_not_equal(inode_of(path), first);
    autofree char *command = mem_printf("rm -rf '%s'", cache);
    assert_int_equal(system(command), 0);
}

/* Does a new host over that cache know the source, and as what? */
static bool is_recalled(const char *cache, const char *source, const char *digest)
{
    struct wasmhost *h = new_host(cache);
    struct wasmhost_module *m = wasmhost_recall(h, str_from(source));
    bool is_known = m != NULL;
    if (is_known)
        assert_string_equal(wasmhost_module_digest(m), digest);
    wasmhost_module_unref(m);
    wasmhost_free(h);
    return is_known;
}

static void test_recall__knows_a_source_while_all_of_it_is_whole(void **state)
{
    char cache[] = "/tmp/cup-wasmhost-cache-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(cache));
    struct wasmhost *h = new_host(cache);
    struct wasmhost_module *m = load(h, "pointers.wasm");
    autofree char *digest = mem_strdup(wasmhost_module_digest(m));
    assert_null(wasmhost_recall(h, STR("layer 1")));
    wasmhost_remember(h, STR("layer 1"), m);
    wasmhost_module_unref(m);
    wasmhost_free(h);
    assert_true(is_recalled(cache, "layer 1", digest));
    assert_false(is_recalled(cache, "layer 2", digest));
    autofree char *source = only_file(cache, ".source");
    autofree char *code = only_file(cache, ".cwasm");
    flip_byte(source, 8); /* would be another digest */
    assert_false(is_recalled(cache, "layer 1", digest));
    flip_byte(source, 8);
    assert_true(is_recalled(cache, "layer 1", digest));
    flip_byte(code, 5000);
    assert_false(is_recalled(cache, "layer 1", digest));
    assert_int_equal(unlink(code), 0);
    assert_false(is_recalled(cache, "layer 1", digest));
    autofree char *command = mem_printf("rm -rf '%s'", cache);
    assert_int_equal(system(command), 0);
}

static void test_recall__knows_nothing_without_a_cache(void **state)
{
    (void)state;
    struct wasmhost *h = new_host(NULL);
    struct wasmhost_module *m = load(h, "pointers.wasm");
    wasmhost_remember(h, STR("layer 1"), m);
    assert_null(wasmhost_recall(h, STR("layer 1")));
    wasmhost_module_unref(m);
    wasmhost_free(h);
}

struct loading {
    struct wasmhost *host;
    struct wasmhost_module *modules[8];
};

static enum err_kind load_again(void *data, size_t i, struct err *err)
{
    struct loading *l = data;
    (void)err;
    l->modules[i] = load(l->host, "pointers.wasm");
    return ERR_OK;
}

static void test_load__many_at_once_get_one_module(void **state)
{
    (void)state;
    struct loading l = {.host = new_host(NULL)};
    struct err err;
    assert_int_equal(parallel_run(8, ARRAY_LEN(l.modules), load_again, &l, &err), ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(l.modules); i++) {
        assert_ptr_equal(l.modules[i], l.modules[0]);
        if (i > 0)
            wasmhost_module_unref(l.modules[i]);
    }
    wasmhost_module_unref(l.modules[0]);
    wasmhost_free(l.host);
}

static void test_cache__a_directory_open_to_others_is_refused(void **state)
{
    char cache[] = "/tmp/cup-wasmhost-cache-XXXXXX";
    struct wasmhost_options options = {.cache_dir = cache};
    struct wasmhost *h = NULL;
    struct err err;
    (void)state;
    assert_non_null(mkdtemp(cache));
    assert_int_equal(chmod(cache, 0755), 0);
    assert_int_equal(wasmhost_new(&options, &h, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "chmod 700"));
    assert_int_equal(rmdir(cache), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call__gives_arguments_input_output_and_exit_code),
        cmocka_unit_test(test_call__a_profile_counts_host_calls_and_bytes),
        cmocka_unit_test(test_call__reads_files_through_links_inside_the_tree),
        cmocka_unit_test(test_call__lists_a_directory_of_a_thousand),
        cmocka_unit_test(test_call__stat_is_the_same_for_everyone),
        cmocka_unit_test(test_call__read_globs_hide_everything_else),
        cmocka_unit_test(test_call__writes_go_to_the_overlay_alone),
        cmocka_unit_test(test_call__a_write_that_cannot_be_kept_is_an_error),
        cmocka_unit_test(test_call__truncating_does_not_count_what_was_there),
        cmocka_unit_test(test_adv_51__a_tree_that_is_only_read_stays_as_it_is),
        cmocka_unit_test(test_adv_51__no_path_leads_out_of_the_tree),
        cmocka_unit_test(test_adv_47_49_50__each_limit_ends_the_call_and_is_named),
        cmocka_unit_test(test_adv_48__memory_beyond_the_limit_is_refused_to_the_guest),
        cmocka_unit_test(test_adv_49__of_standard_error_the_end_is_kept),
        cmocka_unit_test(test_call__a_trap_is_an_error_with_its_reason),
        cmocka_unit_test(test_adv_50__bad_pointers_and_descriptors_are_errnos),
        cmocka_unit_test(test_call__clocks_and_random_bytes_are_the_same_each_time),
        cmocka_unit_test(test_call__runs_side_by_side),
        cmocka_unit_test(test_adv_52__modules_that_are_no_controllers_are_refused),
        cmocka_unit_test(test_cache__is_used_and_what_is_tampered_with_is_made_anew),
        cmocka_unit_test(test_cache__a_directory_open_to_others_is_refused),
        cmocka_unit_test(test_recall__knows_a_source_while_all_of_it_is_whole),
        cmocka_unit_test(test_recall__knows_nothing_without_a_cache),
        cmocka_unit_test(test_load__many_at_once_get_one_module),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
