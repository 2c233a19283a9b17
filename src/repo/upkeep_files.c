#include "repo/upkeep_files.h"

#include "base/fs.h"
#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* visit each name of a directory but "." and ".."; nothing where there is no directory. */
static void each_name(
    int at, const char *name, void (*visit)(void *data, int dir, const char *name), void *data)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] != '.')
            visit(data, fd, e->d_name);
    }
    closedir(dir);
}

struct listing {
    struct upkeep_files *files;
    int64_t before_s;
    const char *fanout; /* the two digits */
};

static bool is_old(const struct listing *l, const struct stat *st)
{
    return st->st_mtim.tv_sec <= l->before_s && st->st_ctim.tv_sec <= l->before_s;
}

static void see_loose(void *data, int dir, const char *name)
{
    struct listing *l = data;
    struct upkeep_files *f = l->files;
    char hex[GIT_OID_HEXSZ + 1];
    struct stat st;
    git_oid id;
    if (strlen(name) != GIT_OID_HEXSZ - 2)
        return;
    snprintf(hex, sizeof(hex), "%.2s%s", l->fanout, name);
    if (git_oid_fromstr(&id, hex) != 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    f->all_loose++;
    if (!S_ISREG(st.st_mode) || !is_old(l, &st) || f->loose_count == UPKEEP_OBJECTS_MAX ||
        f->loose_bytes > UPKEEP_BYTES_MAX)
        return;
    mem_grow(&f->loose, f->loose_count, &f->loose_cap);
    f->loose[f->loose_count++] = id;
    f->loose_bytes += (uint64_t)st.st_size;
}

static bool has_beside(int dir, struct str base, const char *suffix)
{
    autofree char *name = mem_printf(STR_FMT "%s", STR_ARG(base), suffix);
    return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void see_pack(void *data, int dir, const char *name)
{
    struct listing *l = data;
    struct upkeep_files *f = l->files;
    struct str base = str_from(name);
    struct stat st;
    if (!str_starts(base, STR("pack-")) || !str_ends(base, STR(".pack")))
        return;
    base.n -= 5;
    if (has_beside(dir, base, ".keep") || has_beside(dir, base, ".promisor") ||
        !has_beside(dir, base, ".idx") || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    f->all_packs++;
    if (!is_old(l, &st) || (uint64_t)st.st_size > UPKEEP_PACK_BYTES_MAX ||
        f->pack_bytes + (uint64_t)st.st_size > UPKEEP_BYTES_MAX)
        return;
    mem_grow(&f->packs, f->pack_count, &f->pack_cap);
    f->packs[f->pack_count++] = mem_strdup_str(base);
    f->pack_bytes += (uint64_t)st.st_size;
}

void upkeep_files_list(int objects_fd, int64_t before_s, struct upkeep_files *ret)
{
    struct listing l = {.files = ret, .before_s = before_s};
    *ret = (struct upkeep_files){0};
    for (unsigned i = 0; i < 256; i++) {
        char fanout[3];
        snprintf(fanout, sizeof(fanout), "%02x", i);
        l.fanout = fanout;
        each_name(objects_fd, fanout, see_loose, &l);
    }
    each_name(objects_fd, "pack", see_pack, &l);
}

void upkeep_files_deinit(struct upkeep_files *f)
{
    for (size_t i = 0; i < f->pack_count; i++)
        free(f->packs[i]);
    free(f->packs);
    free(f->loose);
    *f = (struct upkeep_files){0};
}

/* The directories stay: somebody may be about to put an object there. */
size_t upkeep_remove_loose(int objects_fd, const git_oid *ids, size_t count)
{
    size_t removed = 0;
    for (size_t i = 0; i < count; i++) {
        char path[GIT_OID_HEXSZ + 2];
        git_oid_pathfmt(path, &ids[i]);
        path[GIT_OID_HEXSZ + 1] = '\0';
        removed += unlinkat(objects_fd, path, 0) == 0;
    }
    return removed;
}

size_t upkeep_remove_pack(int objects_fd, const char *name)
{
    static const char *const suffixes[] = {".idx", ".rev", ".bitmap", ".mtimes", ".pack"};
    size_t removed = 0;
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        autofree char *path = mem_printf("pack/%s%s", name, suffixes[i]);
        removed += unlinkat(objects_fd, path, 0) == 0;
    }
    return removed;
}
