/*
 * Compiled modules on disk. Code that is loaded is code that runs, so a file counts only when it lies in
 * a directory of ours that is closed to others, is ours itself, names this module, engine and settings,
 * and its checksum holds; all of it is looked at on the descriptor that is then mapped. Files are replaced,
 * never changed: a mapping keeps what was checked.
 */
#include "base/fs.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "wasmhost/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

static const char MAGIC[8] = "cupwasm";

/* A module's compiled form, and what a source was found to be. */
#define CODE "cwasm"
#define SOURCE "source"

/* Behind what the file holds, so that the engine can map code as it is. */
struct trailer {
    char magic[8];
    uint64_t bytes;       /* before the trailer */
    char key[SHA256_HEX]; /* of what it is about, engine version, settings */
    uint8_t checksum[16]; /* XXH3-128 of all above and the bytes */
};

static void make_key(const struct wasmhost *h, struct str about, char ret_hex[SHA256_HEX + 1])
{
    autofree char *text = mem_printf(STR_FMT ";%s", STR_ARG(about), h->cache_salt);
    sha256_hex_of(str_from(text), ret_hex);
}

static char *make_path(const struct wasmhost *h, const char *key, const char *suffix)
{
    return mem_printf("%s/%s.%s", h->cache_dir, key, suffix);
}

static bool is_private(const struct stat *st, mode_t forbidden)
{
    return st->st_uid == geteuid() && (st->st_mode & forbidden) == 0;
}

enum err_kind wasmhost_cache_open(const char *dir, struct err *err)
{
    struct stat st;
    enum err_kind r = fs_make_dirs(dir, 0700, err);
    if (r != ERR_OK)
        return err_wrap(err, "directory of compiled modules");
    if (lstat(dir, &st) != 0 || !S_ISDIR(st.st_mode) || !is_private(&st, 0077))
        return err_set(
            err, ERR_INVALID,
            "directory '%s' is to hold compiled code: it must belong to this user and be closed to "
            "others (chmod 700)",
            dir);
    return ERR_OK;
}

static void checksum(const struct trailer *trailer, const void *bytes, uint8_t ret[16])
{
    XXH3_state_t *state = XXH3_createState();
    XXH128_canonical_t canonical;
    XXH3_128bits_reset(state);
    XXH3_128bits_update(state, trailer, offsetof(struct trailer, checksum));
    XXH3_128bits_update(state, bytes, trailer->bytes);
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    memcpy(ret, canonical.digest, 16);
    XXH3_freeState(state);
}

/* --- a file of the cache -------------------------------------------------------------------------- */

/* Open, mapped, and found to be whole; unmap in any case. */
struct mapped {
    int fd;
    char *p; /* NULL: there is none that counts */
    size_t n;
    struct str bytes; /* without the trailer */
};

static void unmap(struct mapped *m)
{
    if (m->p != NULL)
        munmap(m->p, m->n);
    if (m->fd >= 0)
        close(m->fd);
}

static bool is_whole(const struct mapped *m, const char *key)
{
    struct trailer trailer;
    uint8_t sum[16];
    memcpy(&trailer, m->p + m->bytes.n, sizeof(trailer));
    if (memcmp(trailer.magic, MAGIC, sizeof(trailer.magic)) != 0 ||
        memcmp(trailer.key, key, sizeof(trailer.key)) != 0 || trailer.bytes != m->bytes.n)
        return false;
    checksum(&trailer, m->p, sum);
    return memcmp(sum, trailer.checksum, sizeof(sum)) == 0;
}

/* All its pages at once: each is read for the checksum. */
static void map(struct mapped *m)
{
    struct stat st;
    if (m->fd < 0 || fstat(m->fd, &st) != 0 || !S_ISREG(st.st_mode) || !is_private(&st, 0277) ||
        st.st_size <= (off_t)sizeof(struct trailer))
        return;
    m->n = (size_t)st.st_size;
    m->p = mmap(NULL, m->n, PROT_READ, MAP_PRIVATE | MAP_POPULATE, m->fd, 0);
    if (m->p == MAP_FAILED)
        m->p = NULL;
    else
        m->bytes = str_of(m->p, m->n - sizeof(struct trailer));
}

static bool
open_file(const struct wasmhost *h, struct str about, const char *suffix, struct mapped *ret)
{
    char key[SHA256_HEX + 1];
    *ret = (struct mapped){.fd = -1};
    if (h->cache_dir == NULL)
        return false;
    make_key(h, about, key);
    autofree char *path = make_path(h, key, suffix);
    ret->fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    map(ret);
    return ret->p != NULL && is_whole(ret, key);
}

static void
write_file(const struct wasmhost *h, struct str about, const char *suffix, struct str bytes)
{
    char key[SHA256_HEX + 1];
    struct trailer trailer = {.bytes = bytes.n};
    struct err ignored;
    autobuf struct buf file = {.max = SIZE_MAX / 2};
    if (h->cache_dir == NULL)
        return;
    make_key(h, about, key);
    memcpy(trailer.key, key, sizeof(trailer.key));
    memcpy(trailer.magic, MAGIC, sizeof(trailer.magic));
    checksum(&trailer, bytes.p, trailer.checksum);
    buf_str(&file, bytes);
    buf_str(&file, str_of((const char *)&trailer, sizeof(trailer)));
    autofree char *path = make_path(h, key, suffix);
    if (buf_check(&file, "a file of the cache", &ignored) == ERR_OK)
        (void)(fs_write_atomic(path, buf_view(&file), 0400, &ignored) == ERR_OK);
}

/* --- code ----------------------------------------------------------------------------------------- */

/* Mapped by the engine, through the descriptor that was checked: nothing is copied, and pages that no
 * call touches need no memory of their own. NULL where that cannot be (no /proc, noexec). */
static wasmtime_module_t *map_code(struct wasmhost *h, int fd)
{
    char path[64];
    wasmtime_module_t *module = NULL;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    wasmtime_error_t *error = wasmtime_module_deserialize_file(h->engine, path, &module);
    if (error == NULL)
        return module;
    wasmtime_error_delete(error);
    return NULL;
}

static wasmtime_module_t *copy_code(struct wasmhost *h, struct str code)
{
    wasmtime_module_t *module = NULL;
    wasmtime_error_t *error =
        wasmtime_module_deserialize(h->engine, (const uint8_t *)code.p, code.n, &module);
    if (error == NULL)
        return module;
    wasmtime_error_delete(error);
    return NULL;
}

wasmtime_module_t *wasmhost_cache_read(struct wasmhost *h, const char *digest)
{
    CLEANUP(unmap) struct mapped file;
    if (!open_file(h, str_from(digest), CODE, &file))
        return NULL;
    wasmtime_module_t *module = map_code(h, file.fd);
    return module != NULL ? module : copy_code(h, file.bytes);
}

void wasmhost_cache_write(struct wasmhost *h, const char *digest, struct str code)
{
    write_file(h, str_from(digest), CODE, code);
}

/* --- sources -------------------------------------------------------------------------------------- */

bool wasmhost_cache_source(
    struct wasmhost *h, struct str source, char ret_digest[WASMHOST_DIGEST_MAX])
{
    CLEANUP(unmap) struct mapped file;
    if (!open_file(h, source, SOURCE, &file) || file.bytes.n >= WASMHOST_DIGEST_MAX)
        return false;
    memcpy(ret_digest, file.bytes.p, file.bytes.n);
    ret_digest[file.bytes.n] = '\0';
    return true;
}

void wasmhost_cache_write_source(struct wasmhost *h, struct str source, const char *digest)
{
    write_file(h, source, SOURCE, str_from(digest));
}
