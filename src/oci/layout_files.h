/*
 * The files of an image layout beside blobs and index.json, and its locks: temporary files, pins, notes
 * of last use. Shared by layout.c and the store_*.c files; not for others.
 *
 *   .ingest/<id>          a blob on its way; the writer holds flock(EX) on it
 *   .ingest/<hex>.part    a download that may be gone on with; its writer holds flock(EX) on it
 *   .ingest/<id>.bundle/  a layout for the time of one save or load; its maker holds flock(EX) on it
 *   .pins/<id>            digests, one a line, that a process relies on; it holds flock(EX) on it
 *   .used/<hex>           empty; its mtime is when the image of that digest was last used
 *   index.json.lock       the lock of the layout
 *   oci-layout            who edits what a name means holds flock(EX) on it
 *   index.json.tmp        the next index.json, written under the lock
 *
 * A dead process holds no lock, so its files are told from those of a live one and are swept. Who makes
 * such a file locks it and then looks whether its name still means it; a sweeper does the same before
 * it unlinks.
 */
#pragma once

#include "oci/layout.h"

struct layout_pin; /* this handle's pin file */

struct oci_layout {
    char *dir;
    char *blobs;  /* DIR/blobs/sha256 */
    char *ingest; /* temporary files: on the same file system as blobs */
    char *pins;
    char *used;
    unsigned dir_mode;
    unsigned file_mode;
    bool is_private;        /* the store: last use is noted */
    struct layout_pin *pin; /* NULL: opened to be read only, and not the store; nothing is pinned */
};

/* The path of a blob; the digest has passed oci_digest_check, so its hex part is a plain file name. */
char *layout_blob_path(const struct oci_layout *l, const char *digest);

/* --- the lock ----------------------------------------------------------------------------------- */

enum layout_lock {
    LAYOUT_SHARED,    /* for one pin: no prune runs meanwhile */
    LAYOUT_EXCLUSIVE, /* to change index.json; to prune, from the first look to the last unlink */
};
/* Waits for it; close(*ret_fd) lets go. Not to be taken by one thread twice. */
enum err_kind layout_lock(
    const char *dir, unsigned mode, enum layout_lock how, int *ret_fd, struct err *err) MUST_USE;

/* As oci_layout_edit_begin. */
enum err_kind layout_edit_lock(const char *dir, int *ret_fd, struct err *err) MUST_USE;

/* --- temporary files ---------------------------------------------------------------------------- */

#define LAYOUT_PARTIAL_SUFFIX ".part"
#define LAYOUT_BUNDLE_SUFFIX ".bundle"

/* A fresh file in `dir` (made with dir_mode where it is not there), open for reading and writing, locked. */
enum err_kind layout_temp_new(
    const char *dir,
    unsigned dir_mode,
    unsigned mode,
    char **ret_path,
    int *ret_fd,
    struct err *err) MUST_USE;
/* A fresh folder of this layout, locked while ret_fd is open; fs_remove_tree takes it away again. */
enum err_kind
layout_temp_dir(const struct oci_layout *l, char **ret_path, int *ret_fd, struct err *err) MUST_USE;
/* Open and lock the file of a name, making it where it is not there; -1: somebody else is at it, or it
 * cannot be had. */
int layout_temp_open(const char *path, unsigned mode);
/* Remove what dead processes left in `dir`: all, but of partial downloads only those that were not
 * written to for partial_age_s. Returns how many; with `only_count` nothing is removed. */
size_t layout_sweep(const char *dir, int64_t partial_age_s, bool only_count);

/* --- pins --------------------------------------------------------------------------------------- */

struct layout_pin *layout_pin_new(void);
struct layout_pin *layout_pin_free(struct layout_pin *p);
/* From now until the layout is closed no prune takes this blob, nor what a manifest of that digest needs.
 * Takes the lock shared. Readers may go on when it fails: a store that cannot be written has no prune. */
enum err_kind layout_pin(const struct oci_layout *l, const char *digest, struct err *err);
/* What living processes pin, this handle apart: `each` is called for every digest. */
void layout_pinned(
    const struct oci_layout *l, void (*each)(void *data, const char *digest), void *data);

/* --- last use ----------------------------------------------------------------------------------- */

void layout_note_use(const struct oci_layout *l, const char *digest);       /* the store's only */
int64_t layout_used_unix_s(const struct oci_layout *l, const char *digest); /* 0: not noted */
void layout_forget_use(const struct oci_layout *l, const char *digest);
