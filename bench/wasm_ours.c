/*
 * One half of bench/wasm: how long a call takes in our host, over a directory or a Git repository.
 *
 *   wasm_ours CACHE MODULE PLACE COUNT ARG…     prints the lower quartile of COUNT calls in microseconds
 *
 * CACHE is a folder for compiled modules.
 * As cupd makes it for a result that is not kept: what the guest sees is recorded, too.
 */
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "repo/repo.h"
#include "vfs/localtree.h"
#include "vfs/trace.h"
#include "wasmhost/wasmhost.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WARM_UP = 30 };

static void check(enum err_kind r, const struct err *err)
{
    if (r == ERR_OK)
        return;
    fprintf(stderr, "wasm_ours: %s\n", err->text);
    exit(1);
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return *x < *y ? -1 : *x > *y;
}

static struct vfs *open_place(const char *place, struct repo **ret_repo)
{
    struct repo_options options = {.url = place};
    struct vfs *tree = NULL;
    struct repo_id commit;
    struct repo_id root;
    struct err err = {0};
    if (!str_ends(str_from(place), STR(".git"))) {
        check(vfs_localtree_new(place, &tree, &err), &err);
        return tree;
    }
    check(repo_open(&options, ret_repo, &err), &err);
    check(repo_ref_read(*ret_repo, "refs/heads/main", &commit, &err), &err);
    check(repo_tree(*ret_repo, &commit, &tree, &root, &err), &err);
    return tree;
}

static void
call_once(struct wasmhost_module *m, struct vfs *tree, const char *const *args, size_t arg_count)
{
    struct wasmhost_result result;
    struct err err = {0};
    struct vfs_trace *trace = vfs_trace_new(tree, (size_t)8 << 20);
    struct wasmhost_call call = {
        .args = args, .arg_count = arg_count, .tree = vfs_trace_vfs(trace)};
    check(wasmhost_call(m, &call, &result, &err), &err);
    if (result.exit_code != 0 || result.out.n == 0) {
        fprintf(
            stderr, "wasm_ours: exit code %d, %zu bytes; %.*s\n", result.exit_code, result.out.n,
            (int)result.diagnostics.n, result.diagnostics.p);
        exit(1);
    }
    wasmhost_result_deinit(&result);
    vfs_trace_free(trace);
}

int main(int argc, char **argv)
{
    uint64_t count = 0;
    if (argc < 6 || !str_to_u64(str_from(argv[4]), &count) || count == 0 || count > 1000000)
        return 2;
    struct wasmhost_options options = {.cache_dir = argv[1], .instances_max = 4};
    struct wasmhost *host = NULL;
    struct wasmhost_module *module = NULL;
    struct repo *repo = NULL;
    struct err err = {0};
    autobuf struct buf wasm = {0};
    autofree double *times = mem_alloc(count * sizeof(double));
    check(fs_read_file(argv[2], (size_t)64 << 20, &wasm, &err), &err);
    check(wasmhost_new(&options, &host, &err), &err);
    check(wasmhost_load(host, buf_view(&wasm), argv[2], &module, &err), &err);
    struct vfs *tree = open_place(argv[3], &repo);
    for (uint64_t i = 0; i < count + WARM_UP; i++) {
        double start = now_us();
        call_once(module, tree, (const char *const *)argv + 5, (size_t)argc - 5);
        if (i >= WARM_UP)
            times[i - WARM_UP] = now_us() - start;
    }
    qsort(times, count, sizeof(double), compare);
    printf("%.1f\n", times[count / 4]);
    vfs_free(tree);
    repo_free(repo);
    wasmhost_module_unref(module);
    wasmhost_free(host);
    return 0;
}
