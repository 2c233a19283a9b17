/* Descriptors: reading, writing, seeking, and what they say of themselves. */
#include "base/mem.h"
#include "wasmhost/wasi.h"

/* Standard error is for people: what is kept is its end. */
static const size_t DIAGNOSTICS_MAX = (size_t)64 << 10;

/* Between looks at the clock; what going over one buffer costs in terms of bytes copied. */
static const uint64_t PACE_BYTES = (uint64_t)1 << 20;
enum { IOVEC_WORTH = 64 };

enum { WHENCE_SET, WHENCE_CUR, WHENCE_END };

/* --- input and output ------------------------------------------------------------------------------ */

/* The guest's next iovec, or WASI_FAULT. */
static enum wasi_errno
iovec(const struct wasi *w, uint32_t list, uint32_t index, uint8_t **ret_p, uint32_t *ret_n)
{
    uint64_t at = (uint64_t)list + (uint64_t)index * 8;
    const uint8_t *entry = at > UINT32_MAX ? NULL : wasi_at(w, (uint32_t)at, 8);
    if (entry == NULL)
        return WASI_FAULT;
    *ret_n = wasi_get_u32(entry + 4);
    *ret_p = wasi_at(w, wasi_get_u32(entry), *ret_n);
    return *ret_p == NULL ? WASI_FAULT : WASI_OK;
}

/* A list of buffers may keep us busy for long: now and then the time is looked at. */
static enum wasi_errno pace(struct wasi *w, uint64_t *done, uint64_t bytes)
{
    *done += bytes + IOVEC_WORTH;
    if (*done < PACE_BYTES)
        return WASI_OK;
    *done = 0;
    return wasi_check_time(w);
}

/* All of them, before anything is read or written: a call has its effect whole or not at all. */
static enum wasi_errno check_iovecs(struct wasi *w, uint32_t list, uint32_t count)
{
    uint64_t total = 0;
    uint64_t done = 0;
    if (wasi_at(w, list, (uint64_t)count * 8) == NULL)
        return WASI_FAULT;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *p;
        uint32_t n;
        if (iovec(w, list, i, &p, &n) != WASI_OK)
            return WASI_FAULT;
        if (pace(w, &done, 0) != WASI_OK)
            return WASI_IO;
        total += n;
        if (total > UINT32_MAX)
            return WASI_INVAL;
    }
    return WASI_OK;
}

static void keep_tail(struct buf *to, const uint8_t *p, size_t n)
{
    if (n > DIAGNOSTICS_MAX) {
        p += n - DIAGNOSTICS_MAX;
        n = DIAGNOSTICS_MAX;
    }
    if (to->n + n > 2 * DIAGNOSTICS_MAX) {
        size_t keep = DIAGNOSTICS_MAX - n < to->n ? DIAGNOSTICS_MAX - n : to->n;
        memmove(to->p, to->p + to->n - keep, keep);
        to->n = keep;
    }
    buf_add(to, p, n);
}

static enum wasi_errno
write_some(struct wasi *w, struct wasi_fd *fd, uint64_t at, const uint8_t *p, size_t n)
{
    if (fd->kind == WASI_FD_FILE)
        return wasi_file_write(w, fd->file, at, p, n);
    if (fd->kind == WASI_FD_STDERR) {
        keep_tail(&w->result->diagnostics, p, n);
        return WASI_OK;
    }
    buf_add(&w->result->out, p, n);
    if (w->result->out.is_failed)
        return wasi_fail(w, ERR_LIMIT, "output", w->limits.output_bytes);
    return WASI_OK;
}

static enum wasi_errno
read_some(struct wasi *w, struct wasi_fd *fd, uint64_t at, uint8_t *p, size_t n, size_t *ret_n)
{
    struct str from = w->call->stdin_bytes;
    enum wasi_errno e = WASI_OK;
    if (fd->kind == WASI_FD_STDIN)
        at = w->stdin_at;
    else
        e = wasi_file_bytes(w, fd->file, &from);
    if (e != WASI_OK)
        return e;
    size_t left = at < from.n ? from.n - (size_t)at : 0;
    *ret_n = n < left ? n : left;
    if (*ret_n > 0)
        memcpy(p, from.p + at, *ret_n);
    if (fd->kind == WASI_FD_STDIN)
        w->stdin_at += *ret_n;
    return WASI_OK;
}

static enum wasi_errno check_io(const struct wasi_fd *fd, uint64_t right)
{
    if (fd == NULL)
        return WASI_BADF;
    if (fd->kind == WASI_FD_DIR)
        return right == WASI_RIGHT_READ ? WASI_ISDIR : WASI_BADF;
    return (fd->rights & right) == 0 ? WASI_BADF : WASI_OK;
}

static enum wasi_errno read_all(
    struct wasi *w, struct wasi_fd *fd, uint32_t list, uint32_t count, uint64_t at, uint32_t *ret)
{
    enum wasi_errno checked = check_iovecs(w, list, count);
    uint64_t done = 0;
    *ret = 0;
    if (checked != WASI_OK)
        return checked;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *p;
        uint32_t n;
        size_t got = 0;
        enum wasi_errno e = iovec(w, list, i, &p, &n);
        if (e == WASI_OK)
            e = pace(w, &done, n);
        if (e == WASI_OK)
            e = read_some(w, fd, at + *ret, p, n, &got);
        if (e != WASI_OK)
            return e;
        *ret += (uint32_t)got;
        if (got < n)
            break;
    }
    return WASI_OK;
}

static enum wasi_errno write_all(
    struct wasi *w, struct wasi_fd *fd, uint32_t list, uint32_t count, uint64_t at, uint32_t *ret)
{
    enum wasi_errno checked = check_iovecs(w, list, count);
    uint64_t done = 0;
    *ret = 0;
    if (checked != WASI_OK)
        return checked;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *p;
        uint32_t n;
        enum wasi_errno e = iovec(w, list, i, &p, &n);
        if (e == WASI_OK)
            e = pace(w, &done, n);
        if (e == WASI_OK)
            e = write_some(w, fd, at + *ret, p, n);
        if (e != WASI_OK)
            return e;
        *ret += n;
    }
    return WASI_OK;
}

static enum wasi_errno fd_read(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_fd *fd = wasi_fd_get(w, wasi_u32(a, 0));
    uint32_t n = 0;
    enum wasi_errno e = check_io(fd, WASI_RIGHT_READ);
    if (e == WASI_OK)
        e = read_all(w, fd, wasi_u32(a, 1), wasi_u32(a, 2), fd->offset, &n);
    if (e != WASI_OK)
        return e;
    fd->offset += n;
    return wasi_store_u32(w, wasi_u32(a, 3), n);
}

static enum wasi_errno fd_pread(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_fd *fd = wasi_fd_get(w, wasi_u32(a, 0));
    uint32_t n = 0;
    enum wasi_errno e = check_io(fd, WASI_RIGHT_READ);
    if (e == WASI_OK && fd->kind != WASI_FD_FILE)
        e = WASI_SPIPE;
    if (e == WASI_OK)
        e = read_all(w, fd, wasi_u32(a, 1), wasi_u32(a, 2), wasi_u64(a, 3), &n);
    return e == WASI_OK ? wasi_store_u32(w, wasi_u32(a, 4), n) : e;
}

static enum wasi_errno end_of(struct wasi *w, struct wasi_fd *fd, uint64_t *ret)
{
    struct str bytes = {NULL, 0};
    enum wasi_errno e = wasi_file_bytes(w, fd->file, &bytes);
    *ret = bytes.n;
    return e;
}

static enum wasi_errno fd_write(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_fd *fd = wasi_fd_get(w, wasi_u32(a, 0));
    uint32_t n = 0;
    enum wasi_errno e = check_io(fd, WASI_RIGHT_WRITE);
    if (e == WASI_OK && fd->kind == WASI_FD_FILE && (fd->flags & WASI_FDFLAG_APPEND))
        e = end_of(w, fd, &fd->offset);
    if (e == WASI_OK)
        e = write_all(w, fd, wasi_u32(a, 1), wasi_u32(a, 2), fd->offset, &n);
    if (e != WASI_OK)
        return e;
    fd->offset += n;
    return wasi_store_u32(w, wasi_u32(a, 3), n);
}

static enum wasi_errno fd_pwrite(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_fd *fd = wasi_fd_get(w, wasi_u32(a, 0));
    uint64_t at = wasi_u64(a, 3);
    uint32_t n = 0;
    enum wasi_errno e = check_io(fd, WASI_RIGHT_WRITE);
    if (e == WASI_OK && fd->kind != WASI_FD_FILE)
        e = WASI_SPIPE;
    if (e == WASI_OK)
        e = write_all(w, fd, wasi_u32(a, 1), wasi_u32(a, 2), at, &n);
    return e == WASI_OK ? wasi_store_u32(w, wasi_u32(a, 4), n) : e;
}

static enum wasi_errno
seek(struct wasi *w, uint32_t number, int64_t by, uint32_t whence, uint32_t to)
{
    struct wasi_fd *fd = wasi_fd_get(w, number);
    uint64_t base = 0;
    enum wasi_errno e = WASI_OK;
    if (fd == NULL)
        return WASI_BADF;
    if (fd->kind != WASI_FD_FILE)
        return fd->kind == WASI_FD_DIR ? WASI_BADF : WASI_SPIPE;
    /* the right to seek is that to tell as well */
    bool is_tell = whence == WHENCE_CUR && by == 0;
    if ((fd->rights & (WASI_RIGHT_SEEK | (is_tell ? WASI_RIGHT_TELL : 0))) == 0)
        return WASI_NOTCAPABLE;
    if (whence == WHENCE_CUR)
        base = fd->offset;
    else if (whence == WHENCE_END)
        e = end_of(w, fd, &base);
    else if (whence != WHENCE_SET)
        e = WASI_INVAL;
    if (e != WASI_OK)
        return e;
    int64_t target;
    if (__builtin_add_overflow((int64_t)base, by, &target) || target < 0)
        return WASI_INVAL;
    fd->offset = (uint64_t)target;
    return wasi_store_u64(w, to, fd->offset);
}

static enum wasi_errno fd_seek(struct wasi *w, const wasmtime_val_raw_t *a)
{
    return seek(w, wasi_u32(a, 0), a[1].i64, wasi_u32(a, 2), wasi_u32(a, 3));
}

static enum wasi_errno fd_tell(struct wasi *w, const wasmtime_val_raw_t *a)
{
    return seek(w, wasi_u32(a, 0), 0, WHENCE_CUR, wasi_u32(a, 1));
}

/* --- what a descriptor is -------------------------------------------------------------------------- */

/* Standard streams are no terminals: a libc then writes whole blocks. */
static uint8_t type_of_fd(const struct wasi_fd *fd)
{
    if (fd->kind == WASI_FD_DIR)
        return WASI_TYPE_DIRECTORY;
    return fd->kind == WASI_FD_FILE ? WASI_TYPE_REGULAR : WASI_TYPE_BLOCK_DEVICE;
}

static enum wasi_errno fd_fdstat_get(struct wasi *w, const wasmtime_val_raw_t *a)
{
    const struct wasi_fd *fd = wasi_fd_get(w, wasi_u32(a, 0));
    uint8_t *to = wasi_at(w, wasi_u32(a, 1), 24);
    if (fd == NULL)
        return WASI_BADF;
    if (to == NULL)
        return WASI_FAULT;
    memset(to, 0, 24);
    to[0] = type_of_fd(fd);
    wasi_put_u16(to + 2, fd->flags);
    wasi_put_u64(to + 8, fd->rights);
    wasi_put_u64(to + 16, fd->inheriting);
    return WASI_OK;
}

static enum wasi_errno fd_fdstat_set_flags(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_fd *fd;
    uint32_t flags = wasi_u32(a, 1);
    enum wasi_errno e = wasi_fd_with(w, wasi_u32(a, 0), WASI_RIGHT_FD_SET_FLAGS, &fd);
    if (e != WASI_OK)
        return e;
    if (flags > 31)
        return WASI_INVAL;
    fd->flags = (uint16_t)flags;
    return WASI_OK;
}

static enum wasi_errno fd_fdstat_set_rights(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_fd *fd = wasi_fd_get(w, wasi_u32(a, 0));
    uint64_t rights = wasi_u64(a, 1);
    uint64_t inheriting = wasi_u64(a, 2);
    if (fd == NULL)
        return WASI_BADF;
    if ((rights & ~fd->rights) != 0 || (inheriting & ~fd->inheriting) != 0)
        return WASI_NOTCAPABLE;
    fd->rights = rights;
    fd->inheriting = inheriting;
    return WASI_OK;
}

static enum wasi_errno fd_filestat_get(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_fd *fd;
    uint32_t to = wasi_u32(a, 1);
    struct vfs_stat st = {.type = VFS_DIR};
    enum wasi_errno e = wasi_fd_with(w, wasi_u32(a, 0), WASI_RIGHT_FD_FILESTAT_GET, &fd);
    if (e != WASI_OK)
        return e;
    if (fd->kind == WASI_FD_DIR) {
        struct str path = str_from(fd->path);
        return wasi_write_filestat(w, &st, wasi_ino_of(w, path), wasi_node_find(w, path), to);
    }
    if (fd->kind == WASI_FD_FILE) {
        struct str bytes = {NULL, 0};
        e = wasi_file_bytes(w, fd->file, &bytes);
        st = (struct vfs_stat){.type = VFS_FILE, .size = bytes.n};
        return e == WASI_OK ? wasi_write_filestat(w, &st, fd->file->ino, fd->file->node, to) : e;
    }
    uint8_t *stat = wasi_at(w, to, 64);
    if (stat == NULL)
        return WASI_FAULT;
    memset(stat, 0, 64);
    stat[16] = WASI_TYPE_BLOCK_DEVICE;
    return WASI_OK;
}

/* --- changing -------------------------------------------------------------------------------------- */

/* A file with this right; one that is not open for writing is a bad descriptor, as everywhere. */
static enum wasi_errno
writable_file(struct wasi *w, uint32_t number, uint64_t right, struct wasi_fd **ret)
{
    *ret = wasi_fd_get(w, number);
    if (*ret == NULL)
        return WASI_BADF;
    if ((*ret)->kind != WASI_FD_FILE)
        return (*ret)->kind == WASI_FD_DIR ? WASI_BADF : WASI_INVAL;
    if (((*ret)->rights & right) != 0)
        return WASI_OK;
    return ((*ret)->rights & WASI_RIGHT_WRITE) == 0 ? WASI_BADF : WASI_NOTCAPABLE;
}

static enum wasi_errno fd_filestat_set_size(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_fd *fd;
    enum wasi_errno e = writable_file(w, wasi_u32(a, 0), WASI_RIGHT_FD_FILESTAT_SET_SIZE, &fd);
    return e == WASI_OK ? wasi_file_resize(w, fd->file, wasi_u64(a, 1)) : e;
}

static enum wasi_errno fd_allocate(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_fd *fd;
    uint64_t offset = wasi_u64(a, 1);
    uint64_t n = wasi_u64(a, 2);
    uint64_t now = 0;
    enum wasi_errno e = writable_file(w, wasi_u32(a, 0), WASI_RIGHT_FD_ALLOCATE, &fd);
    if (e == WASI_OK && n == 0)
        e = WASI_INVAL;
    if (e == WASI_OK && offset > UINT64_MAX - n)
        e = WASI_FBIG;
    if (e == WASI_OK)
        e = end_of(w, fd, &now);
    if (e != WASI_OK || offset + n <= now)
        return e;
    return wasi_file_resize(w, fd->file, offset + n);
}

static enum wasi_errno fd_filestat_set_times(struct wasi *w, const wasmtime_val_raw_t *a)
{
    struct wasi_fd *fd = wasi_fd_get(w, wasi_u32(a, 0));
    if (fd == NULL || (fd->kind != WASI_FD_FILE && fd->kind != WASI_FD_DIR))
        return WASI_BADF;
    if ((fd->rights & WASI_RIGHT_FD_FILESTAT_SET_TIMES) == 0)
        return WASI_NOTCAPABLE;
    enum wasi_errno e = wasi_check_times(w, wasi_u32(a, 3));
    if (e != WASI_OK || (fd->kind == WASI_FD_DIR && fd->is_gone))
        return e;
    struct wasi_node *node = fd->kind == WASI_FD_DIR ? wasi_node_make(w, str_from(fd->path))
                                                     : wasi_file_node(w, fd->file);
    if (node == NULL)
        return WASI_IO;
    wasi_set_times(w, node, wasi_u64(a, 1), wasi_u64(a, 2), wasi_u32(a, 3));
    return WASI_OK;
}

static enum wasi_errno sync_with(struct wasi *w, uint32_t number, uint64_t right)
{
    struct wasi_fd *fd = wasi_fd_get(w, number);
    if (fd == NULL)
        return WASI_BADF;
    if (fd->kind != WASI_FD_FILE && fd->kind != WASI_FD_DIR)
        return WASI_INVAL; /* a stream, as POSIX has it */
    if ((fd->rights & right) == 0)
        return WASI_NOTCAPABLE;
    return fd->kind == WASI_FD_FILE ? wasi_file_flush(w, fd->file) : WASI_OK;
}

static enum wasi_errno fd_sync(struct wasi *w, const wasmtime_val_raw_t *a)
{
    return sync_with(w, wasi_u32(a, 0), WASI_RIGHT_FD_SYNC);
}

static enum wasi_errno fd_datasync(struct wasi *w, const wasmtime_val_raw_t *a)
{
    return sync_with(w, wasi_u32(a, 0), WASI_RIGHT_FD_DATASYNC);
}

static enum wasi_errno fd_advise(struct wasi *w, const wasmtime_val_raw_t *a)
{
    const struct wasi_fd *fd = wasi_fd_get(w, wasi_u32(a, 0));
    if (fd == NULL || fd->kind == WASI_FD_DIR)
        return WASI_BADF;
    if (fd->kind != WASI_FD_FILE)
        return WASI_SPIPE;
    if ((fd->rights & WASI_RIGHT_FD_ADVISE) == 0)
        return WASI_NOTCAPABLE;
    return wasi_u32(a, 3) > 5 ? WASI_INVAL : WASI_OK;
}

static enum wasi_errno fd_close(struct wasi *w, const wasmtime_val_raw_t *a)
{
    return wasi_fd_close(w, wasi_u32(a, 0));
}

static enum wasi_errno fd_renumber(struct wasi *w, const wasmtime_val_raw_t *a)
{
    uint32_t from = wasi_u32(a, 0);
    uint32_t to = wasi_u32(a, 1);
    if (wasi_fd_get(w, from) == NULL || wasi_fd_get(w, to) == NULL)
        return WASI_BADF;
    if (from == to)
        return WASI_OK;
    enum wasi_errno e = wasi_fd_close(w, to);
    w->fds[to] = w->fds[from];
    w->fds[from] = (struct wasi_fd){0};
    return e;
}

static const struct wasi_row rows[] = {
    {"fd_advise", "iIIi", fd_advise, false},
    {"fd_allocate", "iII", fd_allocate, false},
    {"fd_close", "i", fd_close, false},
    {"fd_datasync", "i", fd_datasync, false},
    {"fd_fdstat_get", "ii", fd_fdstat_get, false},
    {"fd_fdstat_set_flags", "ii", fd_fdstat_set_flags, false},
    {"fd_fdstat_set_rights", "iII", fd_fdstat_set_rights, false},
    {"fd_filestat_get", "ii", fd_filestat_get, false},
    {"fd_filestat_set_size", "iI", fd_filestat_set_size, false},
    {"fd_filestat_set_times", "iIIi", fd_filestat_set_times, false},
    {"fd_pread", "iiiIi", fd_pread, false},
    {"fd_pwrite", "iiiIi", fd_pwrite, false},
    {"fd_read", "iiii", fd_read, false},
    {"fd_renumber", "ii", fd_renumber, false},
    {"fd_seek", "iIii", fd_seek, false},
    {"fd_sync", "i", fd_sync, false},
    {"fd_tell", "ii", fd_tell, false},
    {"fd_write", "iiii", fd_write, false},
};
const struct wasi_family wasi_fd_family = {rows, ARRAY_LEN(rows)};
