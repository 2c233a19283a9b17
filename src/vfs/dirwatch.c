#include "vfs/dirwatch.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/mem.h"
#include "vfs/localdir.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <uthash.h>

/* How long a stamp holds for what no event tells of. */
static const int64_t STAMP_MS = 2000;
static const int64_t RETRY_MS = 60000;
/* IN_CLOSE_WRITE: a file that was mapped and written to is closed at last. */
static const uint32_t MASK = IN_ATTRIB | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MODIFY |
    IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;

struct watched {
    UT_hash_handle hh;
    int wd;
    size_t path_n;
    char path[];
};

struct dirwatch {
    int fd;
    uint8_t identity[DIRWATCH_STAMP_BYTES - sizeof(uint64_t)];
    pthread_mutex_t lock; /* guards all below; a leaf */
    struct watched *dirs; /* with a directory, all above it are here */
    uint64_t epoch;       /* how often `dirs` was emptied */
    uint64_t changes;
    int64_t stamped_ms; /* when `changes` last moved */
    bool is_off;
    int64_t off_since_ms;
    struct err why;
};

/* --- the lock is held ------------------------------------------------------------------------------- */

static void bump(struct dirwatch *w)
{
    w->changes++;
    w->stamped_ms = clock_monotonic_ms();
}

static void forget_all(struct dirwatch *w)
{
    struct watched *dir, *next;
    HASH_ITER(hh, w->dirs, dir, next)
    {
        HASH_DEL(w->dirs, dir);
        inotify_rm_watch(w->fd, dir->wd); /* may be gone with its directory */
        free(dir);
    }
    w->epoch++;
    bump(w);
}

static void turn_off(struct dirwatch *w, const char *why)
{
    forget_all(w);
    w->is_off = true;
    w->off_since_ms = clock_monotonic_ms();
    err_set(&w->why, ERR_UNSUPPORTED, "%s", why);
}

/* Directories that went or moved are no longer where `dirs` has them. */
static bool moves_directories(const struct inotify_event *e)
{
    if ((e->mask & (IN_Q_OVERFLOW | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF)) != 0)
        return true;
    return (e->mask & IN_ISDIR) != 0 && (e->mask & (IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)) != 0;
}

static bool matters(const struct inotify_event *e)
{
    if (e->mask == IN_IGNORED)
        return false;
    return e->len == 0 || e->name[0] == '\0' || !localdir_is_hidden(str_from(e->name));
}

/* Of a flood only so much at once: what is left over moves the next stamp, and nothing is known by this
 * one yet. */
static void take_events(struct dirwatch *w)
{
    static const int READS_MAX = 64;
    char space[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t n;
    bool has_changed = false;
    bool has_moved = false;
    for (int i = 0; i < READS_MAX && (n = read(w->fd, space, sizeof(space))) > 0; i++) {
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *e = (const void *)(space + at);
            has_changed = has_changed || matters(e);
            has_moved = has_moved || moves_directories(e);
            at += (ssize_t)(sizeof(*e) + e->len);
        }
    }
    if (has_moved)
        forget_all(w);
    else if (has_changed)
        bump(w);
}

static struct watched *find(struct dirwatch *w, struct str dir)
{
    struct watched *found = NULL;
    HASH_FIND(hh, w->dirs, dir.p, dir.n, found);
    return found;
}

/* --- watching --------------------------------------------------------------------------------------- */

/* File systems whose changes all come through this kernel. Of any other (NFS, SMB, FUSE, 9p …) a change
 * made elsewhere gives no event. Magic numbers: statfs(2). */
static bool tells_all(int fd)
{
    static const unsigned long magics[] = {
        0xEF53UL,     /* ext2, ext3, ext4 */
        0x58465342UL, /* xfs */
        0x9123683EUL, /* btrfs */
        0x01021994UL, /* tmpfs */
        0x858458F6UL, /* ramfs */
        0x794C7630UL, /* overlayfs */
        0xF2F52010UL, /* f2fs */
        0x2FC12FC1UL, /* zfs */
        0xCA451A4EUL, /* bcachefs */
        0x73717368UL, /* squashfs */
        0xE0F5E1E2UL, /* erofs */
    };
    struct statfs fs;
    if (fstatfs(fd, &fs) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
        if (((unsigned long)fs.f_type & 0xFFFFFFFFUL) == magics[i])
            return true;
    }
    return false;
}

static void add(struct dirwatch *w, struct str dir, int fd)
{
    char link[40];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    if (!tells_all(fd)) {
        turn_off(w, "its file system does not tell of changes that are made elsewhere");
        return;
    }
    int wd = inotify_add_watch(w->fd, link, MASK);
    if (wd < 0 && errno == ENOENT) {
        bump(w); /* it is gone: what was seen in it is not to be kept */
        return;
    }
    if (wd < 0) {
        turn_off(
            w,
            errno == ENOSPC ? "too many directories are watched (fs.inotify.max_user_watches)"
                            : "the kernel refuses to watch a directory");
        return;
    }
    struct watched *it = mem_alloc(sizeof(*it) + dir.n + 1);
    it->wd = wd;
    it->path_n = dir.n;
    if (dir.n > 0)
        memcpy(it->path, dir.p, dir.n);
    HASH_ADD(hh, w->dirs, path, it->path_n, it);
}

bool dirwatch_wants(struct dirwatch *w, struct str dir, uint64_t *ret_epoch)
{
    pthread_mutex_lock(&w->lock);
    bool wants = !w->is_off && find(w, dir) == NULL;
    *ret_epoch = w->epoch;
    pthread_mutex_unlock(&w->lock);
    return wants;
}

/* Under another epoch what is above may be watched no longer; and the stamp has changed. */
void dirwatch_add(struct dirwatch *w, uint64_t epoch, struct str dir, int fd)
{
    pthread_mutex_lock(&w->lock);
    if (!w->is_off && w->epoch == epoch && find(w, dir) == NULL)
        add(w, dir, fd);
    pthread_mutex_unlock(&w->lock);
}

bool dirwatch_stamp(struct dirwatch *w, uint8_t ret[DIRWATCH_STAMP_BYTES])
{
    int64_t now_ms = clock_monotonic_ms();
    pthread_mutex_lock(&w->lock);
    take_events(w);
    if (w->is_off && now_ms - w->off_since_ms > RETRY_MS)
        w->is_off = false;
    if (now_ms - w->stamped_ms > STAMP_MS)
        bump(w);
    memcpy(ret, w->identity, sizeof(w->identity));
    memcpy(ret + sizeof(w->identity), &w->changes, sizeof(w->changes));
    bool is_on = !w->is_off;
    pthread_mutex_unlock(&w->lock);
    return is_on;
}

bool dirwatch_why(struct dirwatch *w, struct err *ret)
{
    pthread_mutex_lock(&w->lock);
    bool is_off = w->is_off;
    *ret = w->why;
    pthread_mutex_unlock(&w->lock);
    return is_off;
}

struct dirwatch *dirwatch_new(struct err *ret_why)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) {
        err_errno(ret_why, errno, "inotify (fs.inotify.max_user_instances)");
        return NULL;
    }
    struct dirwatch *w = mem_new(struct dirwatch);
    w->fd = fd;
    id_random(w->identity, sizeof(w->identity));
    pthread_mutex_init(&w->lock, NULL);
    return w;
}

struct dirwatch *dirwatch_free(struct dirwatch *w)
{
    if (w == NULL)
        return NULL;
    struct watched *dir, *next;
    HASH_ITER(hh, w->dirs, dir, next)
    {
        HASH_DEL(w->dirs, dir);
        free(dir);
    }
    close(w->fd);
    pthread_mutex_destroy(&w->lock);
    free(w);
    return NULL;
}
