/*
 * Compiled modules on disk. Code that is loaded is code that runs, so a file counts only when it lies in
 * a directory of ours that is closed to others, is ours itself, names this module, engine and settings,
 * and its checksum holds; all of it is looked at on the descriptor that is then mapped.
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

/* The code follows at CODE_AT, so that it is aligned in the mapping. */
struct header {
    char magic[8];
    uint64_t code_bytes;
    char key[SHA256_HEX]; /* of module digest, engine version, settings */
    uint8_t checksum[16]; /* XXH3-128 of all above and the code */
};
#define CODE_AT 4096

static void make_key(const struct wasmhost *h, const char *digest, char ret_hex[SHA256_HEX + 1])
{
    autofree char *text = mem_printf("%s;%s", digest, h->cache_salt);
    sha256_hex_of(str_from(text), ret_hex);
}

static char *make_path(const struct wasmhost *h, const char *key)
{
    return mem_printf("%s/%s.cwasm", h->cache_dir, key);
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

static void checksum(const struct header *header, const void *code, uint8_t ret[16])
{
    XXH3_state_t *state = XXH3_createState();
    XXH128_canonical_t canonical;
    XXH3_128bits_reset(state);
    XXH3_128bits_update(state, header, offsetof(struct header, checksum));
    XXH3_128bits_update(state, code, header->code_bytes);
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
    memcpy(ret, canonical.digest, 16);
    XXH3_freeState(state);
}

static bool is_whole(const char *map, size_t n, const char *key)
{
    struct header header;
    uint8_t sum[16];
    memcpy(&header, map, sizeof(header));
    if (memcmp(header.magic, MAGIC, sizeof(header.magic)) != 0 ||
        memcmp(header.key, key, sizeof(header.key)) != 0 || header.code_bytes != n - CODE_AT)
        return false;
    checksum(&header, map + CODE_AT, sum);
    return memcmp(sum, header.checksum, sizeof(sum)) == 0;
}

wasmtime_module_t *wasmhost_cache_read(struct wasmhost *h, const char *digest)
{
    char key[SHA256_HEX + 1];
    struct stat st;
    wasmtime_module_t *module = NULL;
    if (h->cache_dir == NULL)
        return NULL;
    make_key(h, digest, key);
    autofree char *path = make_path(h, key);
    autoclose int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !is_private(&st, 0277) ||
        st.st_size <= CODE_AT)
        return NULL;
    size_t n = (size_t)st.st_size;
    char *map = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return NULL;
    if (is_whole(map, n, key)) {
        wasmtime_error_t *error = wasmtime_module_deserialize(
            h->engine, (const uint8_t *)map + CODE_AT, n - CODE_AT, &module);
        if (error != NULL) {
            wasmtime_error_delete(error);
            module = NULL;
        }
    }
    munmap(map, n);
    return module;
}

void wasmhost_cache_write(struct wasmhost *h, const char *digest, struct str code)
{
    char key[SHA256_HEX + 1];
    struct header header = {.code_bytes = code.n};
    struct err ignored;
    autobuf struct buf file = {.max = SIZE_MAX / 2};
    char *to = h->cache_dir == NULL ? NULL : buf_reserve(&file, CODE_AT + code.n);
    if (to == NULL)
        return;
    make_key(h, digest, key);
    memcpy(header.key, key, sizeof(header.key));
    memcpy(header.magic, MAGIC, sizeof(header.magic));
    checksum(&header, code.p, header.checksum);
    memset(to, 0, CODE_AT);
    memcpy(to, &header, sizeof(header));
    memcpy(to + CODE_AT, code.p, code.n);
    file.n = CODE_AT + code.n;
    autofree char *path = make_path(h, key);
    (void)(fs_write_atomic(path, buf_view(&file), 0400, &ignored) == ERR_OK);
}
