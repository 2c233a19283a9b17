/*
 * A running guest's view: state of one call, its descriptors and open files, its memory. One file a
 * family of functions (wasi_args.c, wasi_fd.c, wasi_dir.c, wasi_path.c, wasi_clock.c, wasi_poll.c);
 * wasi_table.c lists them. Numbers and layouts: WASI preview1, "wasi_snapshot_preview1.witx".
 */
#pragma once

#include "wasmhost/internal.h"

#include <uthash.h>

enum wasi_errno {
    WASI_OK = 0,
    WASI_ACCES = 2,
    WASI_BADF = 8,
    WASI_EXIST = 20,
    WASI_FAULT = 21,
    WASI_FBIG = 22,
    WASI_ILSEQ = 25,
    WASI_INVAL = 28,
    WASI_IO = 29,
    WASI_ISDIR = 31,
    WASI_LOOP = 32,
    WASI_NAMETOOLONG = 37,
    WASI_NOENT = 44,
    WASI_NOTDIR = 54,
    WASI_NOTEMPTY = 55,
    WASI_NOTSOCK = 57,
    WASI_NOTSUP = 58,
    WASI_PERM = 63,
    WASI_ROFS = 69,
    WASI_SPIPE = 70,
    WASI_NOTCAPABLE = 76,
};

enum wasi_filetype {
    WASI_TYPE_UNKNOWN = 0,
    WASI_TYPE_BLOCK_DEVICE = 1,
    WASI_TYPE_DIRECTORY = 3,
    WASI_TYPE_REGULAR = 4,
    WASI_TYPE_LINK = 7,
};

/* What a descriptor may be used for, "rights" of the witx. */
#define WASI_RIGHT_FD_DATASYNC (1ull << 0)
#define WASI_RIGHT_READ (1ull << 1)
#define WASI_RIGHT_SEEK (1ull << 2)
#define WASI_RIGHT_FD_SET_FLAGS (1ull << 3)
#define WASI_RIGHT_FD_SYNC (1ull << 4)
#define WASI_RIGHT_TELL (1ull << 5)
#define WASI_RIGHT_WRITE (1ull << 6)
#define WASI_RIGHT_FD_ADVISE (1ull << 7)
#define WASI_RIGHT_FD_ALLOCATE (1ull << 8)
#define WASI_RIGHT_PATH_CREATE_DIRECTORY (1ull << 9)
#define WASI_RIGHT_PATH_CREATE_FILE (1ull << 10)
#define WASI_RIGHT_PATH_LINK_SOURCE (1ull << 11)
#define WASI_RIGHT_PATH_LINK_TARGET (1ull << 12)
#define WASI_RIGHT_PATH_OPEN (1ull << 13)
#define WASI_RIGHT_FD_READDIR (1ull << 14)
#define WASI_RIGHT_PATH_READLINK (1ull << 15)
#define WASI_RIGHT_PATH_RENAME_SOURCE (1ull << 16)
#define WASI_RIGHT_PATH_RENAME_TARGET (1ull << 17)
#define WASI_RIGHT_PATH_FILESTAT_GET (1ull << 18)
#define WASI_RIGHT_PATH_FILESTAT_SET_SIZE (1ull << 19)
#define WASI_RIGHT_PATH_FILESTAT_SET_TIMES (1ull << 20)
#define WASI_RIGHT_FD_FILESTAT_GET (1ull << 21)
#define WASI_RIGHT_FD_FILESTAT_SET_SIZE (1ull << 22)
#define WASI_RIGHT_FD_FILESTAT_SET_TIMES (1ull << 23)
#define WASI_RIGHT_PATH_SYMLINK (1ull << 24)
#define WASI_RIGHT_PATH_REMOVE_DIRECTORY (1ull << 25)
#define WASI_RIGHT_PATH_UNLINK_FILE (1ull << 26)
#define WASI_RIGHT_POLL (1ull << 27)
#define WASI_RIGHTS_ALL ((1ull << 30) - 1)
/* On a tree that can only be read these are taken off a file. */
#define WASI_RIGHTS_CHANGE                                                                         \
    (WASI_RIGHT_WRITE | WASI_RIGHT_FD_ALLOCATE | WASI_RIGHT_FD_FILESTAT_SET_SIZE)
#define WASI_RIGHTS_FILE                                                                           \
    (WASI_RIGHT_FD_DATASYNC | WASI_RIGHT_READ | WASI_RIGHT_SEEK | WASI_RIGHT_FD_SET_FLAGS |        \
     WASI_RIGHT_FD_SYNC | WASI_RIGHT_TELL | WASI_RIGHT_FD_ADVISE | WASI_RIGHT_FD_FILESTAT_GET |    \
     WASI_RIGHT_FD_FILESTAT_SET_TIMES | WASI_RIGHT_POLL | WASI_RIGHTS_CHANGE)
#define WASI_RIGHTS_DIR                                                                            \
    (WASI_RIGHTS_ALL & ~(WASI_RIGHT_READ | WASI_RIGHT_SEEK | WASI_RIGHT_TELL | WASI_RIGHTS_CHANGE))
#define WASI_RIGHTS_STREAM (WASI_RIGHT_POLL | WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_FD_SET_FLAGS)

#define WASI_OFLAG_CREAT 1u
#define WASI_OFLAG_DIRECTORY 2u
#define WASI_OFLAG_EXCL 4u
#define WASI_OFLAG_TRUNC 8u
#define WASI_FDFLAG_APPEND 1u
#define WASI_LOOKUP_FOLLOW 1u

#define WASI_PATH_MAX 4096
#define WASI_NAME_MAX 255
#define WASI_ROOT_FD 3

/* 2022-01-01T00:00:00Z: what the realtime clock starts at and every file was modified at. */
#define WASI_START_NS (1640995200ull * 1000000000ull)

/* A name that something was done to in this call. Rows stay until its end. */
struct wasi_name {
    UT_hash_handle hh;
    char *path;
    size_t n;
    struct wasi_node *node; /* NULL: as the path makes it, or nothing is there */
    struct wasi_name *next; /* of the same node */
    uint32_t left;          /* how many nodes went away from here */
};

/* A node that has more names than one, another one than it began with, or times of its own. */
struct wasi_node {
    uint64_t ino;
    uint64_t accessed_ns;
    uint64_t modified_ns;
    uint64_t changed_ns;
    struct wasi_name *names;
    uint32_t link_count;
};

/* A file that is open somewhere: shared by all descriptors of its node, so that each sees what the
 * others write. Its changes reach the overlay when the last one is closed, on sync, and before
 * anything else needs them. */
struct wasi_file {
    struct wasi_file *next;
    int refs;
    char *path;             /* one of its names; NULL: unlinked */
    struct wasi_node *node; /* NULL while the path alone says which file it is */
    uint64_t ino;
    struct vfs_data base; /* content as it was opened; not used once is_loaded */
    bool has_base;
    bool is_loaded; /* content is in `bytes` */
    struct buf bytes;
    bool is_dirty;
    bool is_executable;
};

enum wasi_fd_kind {
    WASI_FD_FREE,
    WASI_FD_STDIN,
    WASI_FD_STDOUT,
    WASI_FD_STDERR,
    WASI_FD_DIR,
    WASI_FD_FILE,
};

struct wasi_fd {
    enum wasi_fd_kind kind;
    uint16_t flags;
    uint64_t rights;
    uint64_t inheriting;
    struct wasi_file *file; /* WASI_FD_FILE */
    char *path;             /* WASI_FD_DIR */
    bool is_preopen;
    bool is_gone; /* the directory was removed */
    struct vfs_listing listing;
    bool is_listed;
    uint64_t offset;
};

struct wasi {
    const struct wasmhost_call *call;
    struct wasmhost_limits limits;
    struct wasmhost_result *result;
    struct vfs *tree; /* the overlay's view, or the tree that can only be read */

    /* memory of the guest, set anew for each host call */
    uint8_t *mem;
    size_t mem_n;
    wasmtime_memory_t memory;
    bool has_memory;

    struct wasi_fd *fds;
    size_t fd_count;
    size_t fd_cap;
    size_t open_count;
    struct wasi_file *files;
    struct wasi_name *names; /* by path */

    size_t stdin_at;
    uint64_t realtime_ns;
    uint64_t monotonic_ns;
    uint64_t random_state;
    uint64_t written;    /* bytes in loaded files */
    int64_t deadline_ms; /* monotonic; 0: none */

    struct wasmhost_profile *profile; /* NULL: nothing is measured */

    bool is_ended; /* stop the guest: it exited, or `err` is set */
    struct err err;
};

/* --- memory --------------------------------------------------------------------------------------- */

/* n bytes of the guest at `at`, or NULL when they are not all inside its memory. */
static inline uint8_t *wasi_at(const struct wasi *w, uint32_t at, uint64_t n)
{
    return at <= w->mem_n && n <= w->mem_n - at ? w->mem + at : NULL;
}
static inline void wasi_put(uint8_t *to, const void *value, size_t n)
{
    if (n > 0)
        memcpy(to, value, n);
}
static inline void wasi_put_u16(uint8_t *to, uint16_t v)
{
    memcpy(to, &v, sizeof(v));
}
static inline void wasi_put_u32(uint8_t *to, uint32_t v)
{
    memcpy(to, &v, sizeof(v));
}
static inline void wasi_put_u64(uint8_t *to, uint64_t v)
{
    memcpy(to, &v, sizeof(v));
}
static inline uint32_t wasi_get_u32(const uint8_t *from)
{
    uint32_t v;
    memcpy(&v, from, sizeof(v));
    return v;
}
static inline uint64_t wasi_get_u64(const uint8_t *from)
{
    uint64_t v;
    memcpy(&v, from, sizeof(v));
    return v;
}
/* Store a value where the guest wants it: WASI_OK or WASI_FAULT. */
enum wasi_errno wasi_store_u32(struct wasi *w, uint32_t at, uint32_t value);
enum wasi_errno wasi_store_u64(struct wasi *w, uint32_t at, uint64_t value);

/* --- functions: arguments as they came, result an errno ------------------------------------------- */

typedef enum wasi_errno (*wasi_fn)(struct wasi *w, const wasmtime_val_raw_t *a);
static inline uint32_t wasi_u32(const wasmtime_val_raw_t *a, size_t i)
{
    return (uint32_t)a[i].i32;
}
static inline uint64_t wasi_u64(const wasmtime_val_raw_t *a, size_t i)
{
    return (uint64_t)a[i].i64;
}

/* One row of the import table. */
struct wasi_row {
    const char *name;
    const char *params; /* 'i' for i32, 'I' for i64 */
    wasi_fn fn;
    bool has_no_result; /* proc_exit */
};
struct wasi_family {
    const struct wasi_row *rows;
    size_t count;
};
/* The row's function, its time and bytes added to w->profile (wasi_profile.c). */
enum wasi_errno
wasi_profiled(struct wasi *w, const struct wasi_row *row, const wasmtime_val_raw_t *a);

extern const struct wasi_family wasi_args_family;
extern const struct wasi_family wasi_fd_family;
extern const struct wasi_family wasi_dir_family;
extern const struct wasi_family wasi_path_family;
extern const struct wasi_family wasi_move_family;
extern const struct wasi_family wasi_clock_family;
extern const struct wasi_family wasi_poll_family;

/* --- state (wasi_state.c) -------------------------------------------------------------------------- */

void wasi_init(struct wasi *w, const struct wasmhost_call *call, struct wasmhost_result *result);
void wasi_deinit(struct wasi *w);
/* End the call with this error: the guest is stopped when the host call returns. */
enum wasi_errno wasi_fail(struct wasi *w, enum err_kind kind, const char *what, uint64_t limit);
/* End the call when its time is over or nobody waits for it: for host calls that may take long. */
enum wasi_errno wasi_check_time(struct wasi *w);
/* The descriptor, or NULL (WASI_BADF). */
struct wasi_fd *wasi_fd_get(struct wasi *w, uint32_t fd);
/* The same where it has all of `rights`: BADF, NOTCAPABLE. */
enum wasi_errno wasi_fd_with(struct wasi *w, uint32_t fd, uint64_t rights, struct wasi_fd **ret);
/* A free descriptor, the lowest one. Too many end the call: it is a limit. */
enum wasi_errno wasi_fd_new(struct wasi *w, uint32_t *ret);
enum wasi_errno wasi_fd_close(struct wasi *w, uint32_t fd);

/* --- files (wasi_file.c) --------------------------------------------------------------------------- */

/* The open file of this path with a reference, made when nobody has it open. */
struct wasi_file *wasi_file_open(struct wasi *w, struct str path, bool is_executable);
struct wasi_file *wasi_file_find(struct wasi *w, struct str path);
/* Its node, made when it has none; NULL ends the call. */
struct wasi_node *wasi_file_node(struct wasi *w, struct wasi_file *f);
enum wasi_errno wasi_file_unref(struct wasi *w, struct wasi_file *f);
void wasi_file_forget(struct wasi *w, struct wasi_file *f); /* without keeping what is in it */
/* Its name was taken away: it goes on under another one, or, with its bytes, without. */
enum wasi_errno wasi_file_unlinked(struct wasi *w, struct str path);
/* Its bytes now; valid until it is written. */
enum wasi_errno wasi_file_bytes(struct wasi *w, struct wasi_file *f, struct str *ret);
enum wasi_errno
wasi_file_write(struct wasi *w, struct wasi_file *f, uint64_t at, const void *p, size_t n);
enum wasi_errno wasi_file_resize(struct wasi *w, struct wasi_file *f, uint64_t size);
enum wasi_errno wasi_file_flush(struct wasi *w, struct wasi_file *f);
/* At the end of the call: what is still held goes to the overlay. */
enum err_kind wasi_flush_all(struct wasi *w, struct err *err) MUST_USE;
/* What an error of the tree means to a guest; a limit ends the call. */
enum wasi_errno wasi_from_err(struct wasi *w, const struct err *err);

/* --- tree as the guest may see it (wasi_view.c) ----------------------------------------------------- */

enum wasi_errno wasi_stat(struct wasi *w, struct str path, struct vfs_stat *ret);
enum wasi_errno wasi_list(struct wasi *w, struct str path, struct vfs_listing *ret);
/* May a node of this type be at `path` for this guest? */
bool wasi_is_visible(const struct wasi *w, struct str path, enum vfs_type type);
uint8_t wasi_type_of(enum vfs_type type);
/* What a file or directory looks like: 64 bytes of filestat. `node` may be NULL. */
enum wasi_errno wasi_write_filestat(
    struct wasi *w,
    const struct vfs_stat *st,
    uint64_t ino,
    const struct wasi_node *node,
    uint32_t to);
/* Set times as the flags of *_set_times say; checked before a node is made. */
enum wasi_errno wasi_check_times(const struct wasi *w, uint32_t flags);
void wasi_set_times(
    const struct wasi *w, struct wasi_node *node, uint64_t atim, uint64_t mtim, uint32_t flags);

/* --- names (wasi_names.c) --------------------------------------------------------------------------- */

uint64_t wasi_ino_of(const struct wasi *w, struct str path);
/* The node at a path that something stands at; find: NULL where nothing is known of it; make: NULL ends
 * the call (too many). */
struct wasi_node *wasi_node_find(const struct wasi *w, struct str path);
struct wasi_node *wasi_node_make(struct wasi *w, struct str path);
/* The guest just made what stands there. */
enum wasi_errno wasi_node_created(struct wasi *w, struct str path);
void wasi_node_modified(const struct wasi *w, struct wasi_node *node);
/* Free it once it has neither names nor an open file. */
void wasi_node_release(const struct wasi *w, struct wasi_node *node);
/* A further name; a name gone; a name changed. What the tree holds is the caller's. */
enum wasi_errno wasi_name_add(struct wasi *w, struct str path, struct wasi_node *node);
enum wasi_errno wasi_name_drop(struct wasi *w, struct str path);
enum wasi_errno wasi_name_move(struct wasi *w, struct str from, struct str to);
void wasi_names_deinit(struct wasi *w);

/* --- path lookup (wasi_lookup.c) -------------------------------------------------------------------- */

/* What becomes of a link at the end of a path. */
enum wasi_last {
    WASI_LAST_KEEP,   /* it is meant itself, unless a slash follows */
    WASI_LAST_FOLLOW, /* what it leads to is meant */
    WASI_LAST_NAME,   /* a name is to be changed: a slash behind a link is NOTDIR, as on Linux */
};

struct wasi_path {
    char text[WASI_PATH_MAX + 1]; /* relative to the root of the tree; "" is the root */
    size_t n;
    bool must_be_dir; /* ended with a slash */
    bool exists;
    struct vfs_stat stat; /* when it exists */
};
static inline struct str wasi_path_str(const struct wasi_path *p)
{
    return str_of(p->text, p->n);
}
/* The guest's path: `n` bytes at `at`, below directory descriptor `fd`, which needs these rights. */
struct wasi_where {
    uint32_t fd;
    uint32_t at;
    uint32_t n;
    uint64_t rights;
    enum wasi_last last;
};
/*
 * Resolve it: links are followed inside the tree, never out of it. The last name may be missing (exists
 * is false then).
 */
enum wasi_errno wasi_lookup(struct wasi *w, const struct wasi_where *where, struct wasi_path *ret);
/* The same where something must be there: NOENT. */
enum wasi_errno
wasi_lookup_there(struct wasi *w, const struct wasi_where *where, struct wasi_path *ret);

/* --- changing names (wasi_path.c) ------------------------------------------------------------------ */

/* A change is possible at all: the tree is writable, and the guest would see what it made. ROFS, ACCES. */
enum wasi_errno
wasi_check_change(const struct wasi *w, const struct wasi_path *p, enum vfs_type type);
enum wasi_errno wasi_is_empty_dir(struct wasi *w, const struct wasi_path *p);
/* Take away what stands at p; descriptors of it go on without a name. */
enum wasi_errno wasi_remove_node(struct wasi *w, const struct wasi_path *p);
/* Descriptors of a directory go where it goes: to a new path, or, with NULL, nowhere. */
void wasi_move_dir_fds(struct wasi *w, struct str from, const char *to);
