/*
 * One ustar header block: writing ours, reading anyone's strictly (POSIX.1-2017, pax, "ustar
 * Interchange Format"). Only the fields that an archive of one file needs.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#define TAR_BLOCK 512

struct tar_header {
    char name[257]; /* prefix/name */
    char type;      /* '0' regular; NUL is made '0' */
    uint64_t size;
};

/* Zero bytes behind so many of data: all stands in whole blocks. */
size_t tar_padding(uint64_t size);
/* All zero: two such blocks end an archive. */
bool tar_is_zero(const char block[TAR_BLOCK]);
/* Does a name fit into a header: at most 100 bytes, or 155 before and 100 behind some slash? */
bool tar_name_fits(const char *name);
/* Regular file, mode 0644, uid and gid 0, no owner names. name: one that fits. */
void tar_write_header(char block[TAR_BLOCK], const char *name, uint64_t size, int64_t mtime_unix_s);
/* INVALID: checksum, magic or a number is wrong. */
enum err_kind
tar_read_header(const char block[TAR_BLOCK], struct tar_header *ret, struct err *err) MUST_USE;
