#include "oci/tar.h"

#include <stdio.h>

struct field {
    size_t at;
    size_t n;
};
static const struct field NAME = {0, 100}, MODE = {100, 8}, UID = {108, 8}, GID = {116, 8},
                          SIZE = {124, 12}, MTIME = {136, 12}, CHECKSUM = {148, 8},
                          MAGIC = {257, 8}, MAJOR = {329, 8}, MINOR = {337, 8}, PREFIX = {345, 155};
enum { TYPE_AT = 156 };

static void put_octal(char *block, struct field f, uint64_t value)
{
    for (size_t i = f.n - 1; i-- > 0; value >>= 3)
        block[f.at + i] = (char)('0' + (value & 7));
    block[f.at + f.n - 1] = '\0';
}

/* Sum of all bytes, those of the checksum field itself counted as blanks. */
static unsigned checksum(const char *block)
{
    unsigned sum = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        bool is_own = i >= CHECKSUM.at && i < CHECKSUM.at + CHECKSUM.n;
        sum += is_own ? ' ' : (unsigned char)block[i];
    }
    return sum;
}

size_t tar_padding(uint64_t size)
{
    return (size_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

bool tar_is_zero(const char block[TAR_BLOCK])
{
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        if (block[i] != 0)
            return false;
    }
    return true;
}

/* Where the name is cut into prefix and rest: 0 for one that needs no prefix, -1 for one that does not fit. */
static int split_at(const char *name)
{
    size_t n = strlen(name);
    if (n <= NAME.n)
        return 0;
    for (size_t i = n - NAME.n - 1; i < n - 1 && i <= PREFIX.n; i++) {
        if (i > 0 && name[i] == '/')
            return (int)i;
    }
    return -1;
}

bool tar_name_fits(const char *name)
{
    return split_at(name) >= 0;
}

void tar_write_header(char block[TAR_BLOCK], const char *name, uint64_t size, int64_t mtime_unix_s)
{
    memset(block, 0, TAR_BLOCK);
    int prefix = split_at(name);
    if (prefix > 0) {
        memcpy(block + PREFIX.at, name, (size_t)prefix);
        name += prefix + 1;
    }
    memcpy(block + NAME.at, name, strnlen(name, NAME.n));
    put_octal(block, MODE, 0644);
    put_octal(block, UID, 0);
    put_octal(block, GID, 0);
    put_octal(block, SIZE, size);
    put_octal(block, MTIME, (uint64_t)mtime_unix_s);
    block[TYPE_AT] = '0';
    memcpy(block + MAGIC.at, "ustar\00000", MAGIC.n);
    put_octal(block, MAJOR, 0);
    put_octal(block, MINOR, 0);
    put_octal(block, (struct field){CHECKSUM.at, CHECKSUM.n - 1}, checksum(block));
    block[CHECKSUM.at + CHECKSUM.n - 1] = ' ';
}

/* Octal digits, then blanks or NULs; leading blanks as old writers put them. Base 256 is refused. */
static bool get_octal(const char *block, struct field f, uint64_t *ret)
{
    size_t i = f.at, end = f.at + f.n;
    uint64_t value = 0;
    while (i < end && block[i] == ' ')
        i++;
    size_t start = i;
    for (; i < end && block[i] >= '0' && block[i] <= '7'; i++)
        value = value << 3 | (uint64_t)(block[i] - '0');
    if (i == start)
        return false;
    for (; i < end; i++) {
        if (block[i] != ' ' && block[i] != '\0')
            return false;
    }
    *ret = value;
    return true;
}

enum err_kind tar_read_header(const char block[TAR_BLOCK], struct tar_header *ret, struct err *err)
{
    struct tar_header h = {0};
    uint64_t sum;
    if (!get_octal(block, CHECKSUM, &sum) || sum != checksum(block))
        return err_set(err, ERR_INVALID, "the archive has a torn header (wrong checksum)");
    bool is_ustar = memcmp(block + MAGIC.at, "ustar\00000", MAGIC.n) == 0;
    bool is_gnu = memcmp(block + MAGIC.at, "ustar  \0", MAGIC.n) == 0;
    if (!is_ustar && !is_gnu)
        return err_set(err, ERR_INVALID, "the archive is not of the ustar form");
    if (!get_octal(block, SIZE, &h.size))
        return err_set(err, ERR_INVALID, "the archive has an entry whose size is not a number");
    int prefix = is_ustar ? (int)strnlen(block + PREFIX.at, PREFIX.n) : 0;
    snprintf(
        h.name, sizeof(h.name), "%.*s%s%.*s", prefix, block + PREFIX.at, prefix > 0 ? "/" : "",
        (int)strnlen(block + NAME.at, NAME.n), block + NAME.at);
    h.type = block[TYPE_AT] == '\0' ? '0' : block[TYPE_AT];
    *ret = h;
    return ERR_OK;
}
