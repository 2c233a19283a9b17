/* Directories: the preopened root, and reading entries with cookies. */
#include "base/mem.h"
#include "wasmhost/wasi.h"

enum { DIRENT_BYTES = 24, ENTRIES_A_LOOK = 4096 };

/* The name of the one directory that the guest was given; NULL for any other descriptor. */
static const char *preopen_name(struct wasi *w, uint32_t number)
{
    const struct wasi_fd *fd = wasi_fd_get(w, number);
    if (fd == NULL || !fd->is_preopen)
        return NULL;
    return w->call->root_name == NULL ? "/" : w->call->root_name;
}

static enum wasi_errno fd_prestat_get(struct wasi *w, const wasmtime_val_raw_t *a)
{
    const char *name = preopen_name(w, wasi_u32(a, 0));
    uint8_t *to = wasi_at(w, wasi_u32(a, 1), 8);
    if (name == NULL)
        return WASI_BADF;
    if (to == NULL)
        return WASI_FAULT;
    memset(to, 0, 8); /* tag 0: a directory */
    wasi_put_u32(to + 4, (uint32_t)strlen(name));
    return WASI_OK;
}

static enum wasi_errno fd_prestat_dir_name(struct wasi *w, const wasmtime_val_raw_t *a)
{
    const char *name = preopen_name(w, wasi_u32(a, 0));
    if (name == NULL)
        return WASI_BADF;
    size_t n = strlen(name);
    if (wasi_u32(a, 2) < n)
        return WASI_NAMETOOLONG;
    uint8_t *to = wasi_at(w, wasi_u32(a, 1), n);
    if (to == NULL)
        return WASI_FAULT;
    wasi_put(to, name, n);
    return WASI_OK;
}

struct entry {
    const char *name;
    uint8_t type;
    uint64_t ino;
};

static char *join(const char *dir, const char *name)
{
    return dir[0] == '\0' ? mem_strdup(name) : mem_printf("%s/%s", dir, name);
}

/* Entry number `index`: "." and ".." first, as every directory has them. */
static struct entry entry_at(struct wasi *w, const struct wasi_fd *fd, uint64_t index)
{
    if (index < 2)
        return (struct entry){
            index == 0 ? "." : "..", WASI_TYPE_DIRECTORY, wasi_ino_of(w, str_from(fd->path))};
    const struct vfs_entry *e = &fd->listing.entries[index - 2];
    autofree char *path = join(fd->path, e->name);
    return (struct entry){e->name, wasi_type_of(e->type), wasi_ino_of(w, str_from(path))};
}

/* As much of the entry as fits: a cut one tells the guest that its buffer was too small. */
static uint32_t write_entry(uint8_t *to, uint32_t room, const struct entry *e, uint64_t next_cookie)
{
    uint8_t head[DIRENT_BYTES] = {0};
    uint32_t name_n = (uint32_t)strlen(e->name);
    wasi_put_u64(head, next_cookie);
    wasi_put_u64(head + 8, e->ino);
    wasi_put_u32(head + 16, name_n);
    head[20] = e->type;
    uint32_t n = room < DIRENT_BYTES ? room : DIRENT_BYTES;
    memcpy(to, head, n);
    uint32_t text = room - n < name_n ? room - n : name_n;
    memcpy(to + n, e->name, text);
    return n + text;
}

/* The listing as it was when reading began: entries made or removed meanwhile move no cookie. */
static enum wasi_errno snapshot(struct wasi *w, struct wasi_fd *fd, uint64_t cookie)
{
    if (fd->is_gone)
        return WASI_NOENT;
    if (fd->is_listed && cookie > 0)
        return WASI_OK;
    vfs_listing_deinit(&fd->listing);
    enum wasi_errno e = wasi_list(w, str_from(fd->path), &fd->listing);
    fd->is_listed = e == WASI_OK;
    return e;
}

static enum wasi_errno fd_readdir(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_fd *fd = wasi_fd_get(w, wasi_u32(a, 0));
    uint32_t room = wasi_u32(a, 2);
    uint8_t *to = wasi_at(w, wasi_u32(a, 1), room);
    uint64_t cookie = wasi_u64(a, 3);
    uint32_t used = 0;
    if (fd == NULL)
        return WASI_BADF;
    if (fd->kind != WASI_FD_DIR)
        return WASI_NOTDIR;
    if ((fd->rights & WASI_RIGHT_FD_READDIR) == 0)
        return WASI_NOTCAPABLE;
    if (to == NULL)
        return WASI_FAULT;
    enum wasi_errno e = snapshot(w, fd, cookie);
    if (e != WASI_OK)
        return e;
    uint64_t count = (uint64_t)fd->listing.count + 2;
    for (uint64_t i = cookie; i < count && used < room; i++) {
        if (i % ENTRIES_A_LOOK == ENTRIES_A_LOOK - 1 && wasi_check_time(w) != WASI_OK)
            return WASI_IO;
        struct entry entry = entry_at(w, fd, i);
        used += write_entry(to + used, room - used, &entry, i + 1);
    }
    return wasi_store_u32(w, wasi_u32(a, 4), used);
}

static const struct wasi_row rows[] = {
    {"fd_prestat_dir_name", "iii", fd_prestat_dir_name, false},
    {"fd_prestat_get", "ii", fd_prestat_get, false},
    {"fd_readdir", "iiiIi", fd_readdir, false},
};
const struct wasi_family wasi_dir_family = {rows, ARRAY_LEN(rows)};
