#include "oci/tag_edit.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/ids.h"

#include <time.h>

enum { TRIES_MAX = 12, SETTLE_LEAST_MS = 5, SETTLE_MOST_MS = 2000 };
#define WRITTEN_MAX ((size_t)4 << 20) /* distribution-spec: registries take at least this */

/* --- small blobs -------------------------------------------------------------------------------------- */

struct small_body {
    struct str all;
    struct str left;
};

static enum err_kind small_rewind(void *data, struct err *err)
{
    struct small_body *b = data;
    (void)err;
    b->left = b->all;
    return ERR_OK;
}

static ptrdiff_t small_read(void *data, char *to, size_t n)
{
    struct small_body *b = data;
    struct str piece = str_take(b->left, n);
    if (piece.n > 0)
        memcpy(to, piece.p, piece.n);
    b->left = str_skip(b->left, piece.n);
    return (ptrdiff_t)piece.n;
}

enum err_kind oci_place_put_small(
    struct oci_place *p, struct str bytes, char ret_digest[OCI_DIGEST_MAX], struct err *err)
{
    bool has = false;
    if (p->layout != NULL)
        return oci_layout_put(p->layout, bytes, ret_digest, err);
    oci_digest_of(bytes, ret_digest);
    enum err_kind r = oci_registry_has_blob(p->registry, ret_digest, &has, err);
    if (r != ERR_OK || has)
        return r;
    struct small_body b = {.all = bytes, .left = bytes};
    struct oci_body body = {.rewind = small_rewind, .read = small_read, .data = &b};
    return oci_registry_put_blob(p->registry, ret_digest, bytes.n, &body, err);
}

/* --- one try ------------------------------------------------------------------------------------------ */

static enum err_kind write_registry(
    struct oci_place *p,
    const char *tag,
    const char *media_type,
    const struct oci_raw *now,
    struct str bytes,
    struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    oci_digest_of(bytes, digest);
    struct oci_manifest_put put = {
        .reference = tag,
        .media_type = media_type,
        .bytes = bytes,
        .digest = digest,
        .if_match = now->etag[0] != '\0' ? now->etag : NULL,
        .if_absent = now->bytes.n == 0};
    return oci_registry_put_manifest(p->registry, &put, NULL, err);
}

static enum err_kind write_layout(
    struct oci_place *p,
    const char *tag,
    const char *media_type,
    const struct oci_raw *now,
    struct str bytes,
    struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    const char *expected = now->bytes.n == 0 ? NULL : now->digest;
    enum err_kind r = oci_layout_put(p->layout, bytes, digest, err);
    if (r != ERR_OK)
        return r;
    return oci_layout_rename(p->layout, tag, media_type, digest, bytes.n, expected, err);
}

/* CONFLICT when somebody else was faster. *ret_is_in: nothing was to be done. */
static enum err_kind try_once(
    struct oci_place *p,
    const char *tag,
    const struct oci_tag_edit *edit,
    bool *ret_is_in,
    struct err *err)
{
    auto_oci_raw struct oci_raw now = {0};
    autobuf struct buf to = {.max = WRITTEN_MAX};
    *ret_is_in = false;
    enum err_kind r = oci_place_manifest(p, tag, &now, err);
    if (r == ERR_NOT_FOUND)
        r = ERR_OK;
    if (r == ERR_OK)
        r = edit->edit(edit->data, &now, &to, ret_is_in, err);
    if (r != ERR_OK || *ret_is_in)
        return r;
    r = buf_check(&to, "the manifest", err);
    if (r != ERR_OK)
        return r;
    if (p->layout != NULL)
        return write_layout(p, tag, edit->media_type, &now, buf_view(&to), err);
    return write_registry(p, tag, edit->media_type, &now, buf_view(&to), err);
}

/* --- until it is there -------------------------------------------------------------------------------- */

/* Rivals that met wait for different times, so that they do not meet again. */
static void wait_about(int64_t ms)
{
    uint8_t random;
    id_random(&random, sizeof(random));
    ms = ms < SETTLE_LEAST_MS ? SETTLE_LEAST_MS : ms > SETTLE_MOST_MS ? SETTLE_MOST_MS : ms;
    ms += ms * random / 256;
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/*
 * Few registries obey If-Match on a manifest. So a change counts only once it is seen there after any
 * rival that had read the tag before us must have written it: its way from reading to writing is about as
 * long as ours was. A layout is changed under its lock.
 */
enum err_kind
oci_tag_edit(struct oci_place *p, const char *tag, const struct oci_tag_edit *edit, struct err *err)
{
    bool is_in = false;
    autoclose int lock = -1;
    enum err_kind r = p->layout != NULL ? oci_layout_edit_begin(p->layout, &lock, err) : ERR_OK;
    if (r != ERR_OK)
        return err_wrap(err, "tag '%s'", tag);
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        int64_t begun_ms = clock_monotonic_ms();
        r = try_once(p, tag, edit, &is_in, err);
        if (r != ERR_OK && r != ERR_CONFLICT)
            return err_wrap(err, "tag '%s'", tag);
        if (is_in || (r == ERR_OK && p->layout != NULL))
            return ERR_OK;
        wait_about(2 * (clock_monotonic_ms() - begun_ms));
    }
    return err_set(
        err, ERR_CONFLICT, "tag '%s': others change it all the time; gave up after %d tries", tag,
        TRIES_MAX);
}
