/*
 * Files of the host: bounded reads and atomic, durable writes. Not the file trees that controllers
 * see: those are vfs/.
 */
#pragma once

#include "base/buf.h"

/* The whole file into buf (cleared first), at most max_bytes (LIMIT above); NOT_FOUND, IO. */
enum err_kind
fs_read_file(const char *path, size_t max_bytes, struct buf *ret, struct err *err) MUST_USE;
/* What is left of an open file, pipe or terminal, behind what buf holds; `what` names it in errors.
 * LIMIT above buf's maximum. */
enum err_kind fs_read_rest(int fd, const char *what, struct buf *to, struct err *err) MUST_USE;
/* All n bytes, going on after short writes and EINTR. */
enum err_kind fs_write_all(int fd, const void *p, size_t n, struct err *err) MUST_USE;
/* fsync, going on after EINTR; `what` names it in the error. */
enum err_kind fs_sync(int fd, const char *what, struct err *err) MUST_USE;
/*
 * Replace `path` by these bytes so that after a crash it is old or new, never torn: temporary file
 * in the same directory, fsync, rename, fsync of the directory. Nothing is left behind on failure.
 */
enum err_kind
fs_write_atomic(const char *path, struct str bytes, unsigned mode, struct err *err) MUST_USE;
/* The same through a temporary file of that name, which callers write one at a time (under a lock of
 * theirs): what a killed one left there is overwritten, so nothing heaps up. */
enum err_kind fs_write_atomic_by(
    const char *temp, const char *path, struct str bytes, unsigned mode, struct err *err) MUST_USE;
/* The same for bytes that come in pieces: begin, add, commit; deinit in any case, and without a commit
 * `path` stays what it was. */
struct fs_writer {
    int fd;
    char *temp;
    char *path;
};
#define FS_WRITER_NONE ((struct fs_writer){.fd = -1})
enum err_kind
fs_writer_begin(const char *path, unsigned mode, struct fs_writer *ret, struct err *err) MUST_USE;
enum err_kind fs_writer_add(struct fs_writer *w, const void *p, size_t n, struct err *err) MUST_USE;
enum err_kind fs_writer_commit(struct fs_writer *w, struct err *err) MUST_USE;
void fs_writer_deinit(struct fs_writer *w);
#define auto_fs_writer CLEANUP(fs_writer_deinit)
/* Make a directory and those above it, with `mode` for the new ones; fine when it is there. The new
 * ones' names are synced. */
enum err_kind fs_make_dirs(const char *path, unsigned mode, struct err *err) MUST_USE;
enum err_kind fs_sync_dir(const char *path, struct err *err) MUST_USE;
/* Remove a file, or a folder with all that is in it; links are not followed. Is it gone? */
bool fs_remove_tree(const char *path);
bool fs_is_dir(const char *path);
bool fs_exists(const char *path);
/* `dir`/`name` as a heap string. */
char *fs_join(const char *dir, const char *name);

static inline void fs_close_cleanup(int *fd)
{
    extern int close(int);
    if (*fd >= 0)
        close(*fd);
}
/* `autoclose int fd = -1;` */
#define autoclose CLEANUP(fs_close_cleanup)
