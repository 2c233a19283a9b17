#include "oci/download.h"
#include "base/mem.h"
#include "oci/registry_call.h"

#include <inttypes.h>
#include <stdio.h>

enum { PROGRESS_BYTES = 1 << 20 /* that much further, and the tries count anew */ };

struct download {
    struct oci_registry *registry;
    const char *digest;
    uint64_t size;
    struct oci_sink *sink;
    uint64_t pass_over; /* bytes of this answer that the sink has already */
    bool wants_whole;   /* a Range was answered with something else: ask without one */
    bool is_mismatch;   /* this answer is that something else */
    unsigned failures;
    uint64_t failed_at;
};

bool oci_content_range_is(struct str text, uint64_t start, uint64_t size)
{
    uint64_t from, to, all;
    struct str rest = text;
    struct str unit = str_cut(&rest, ' ');
    if (rest.p == NULL || !str_eq_nocase(unit, STR("bytes")))
        return false;
    struct str total = rest;
    struct str last = str_cut(&total, '/');
    struct str first = str_cut(&last, '-');
    if (total.p == NULL || last.p == NULL || !str_to_u64(str_trim(first), &from) ||
        !str_to_u64(str_trim(last), &to))
        return false;
    if (!str_eqz(total, "*") && (!str_to_u64(total, &all) || all != size))
        return false;
    return from == start && to >= from && to < size;
}

static enum err_kind start_over(struct download *d, struct err *err)
{
    struct oci_sink *sink = d->sink;
    if (sink->got == 0)
        return ERR_OK;
    if (sink->restart == NULL) {
        d->pass_over = sink->got;
        return ERR_OK;
    }
    enum err_kind k = sink->restart(sink->data, err);
    if (k == ERR_OK)
        sink->got = 0;
    return k;
}

/* A 206 must be what was asked for; a 200 is the whole blob, whatever was asked for. */
static bool begin_body(void *data, const struct http_client_response *head, struct err *err)
{
    struct download *d = data;
    d->pass_over = 0;
    if (head->status != 206)
        return start_over(d, err) == ERR_OK;
    struct str range = http_client_header(head, "Content-Range", 0);
    d->is_mismatch = d->wants_whole || !oci_content_range_is(range, d->sink->got, d->size);
    if (d->is_mismatch)
        err_set(
            err, ERR_FAILED, "'%s' answers another part of blob %s than was asked for",
            d->registry->host, d->digest);
    return !d->is_mismatch;
}

static bool take(void *data, const char *p, size_t n, struct err *err)
{
    struct download *d = data;
    if (d->pass_over >= n) {
        d->pass_over -= n;
        return true;
    }
    p += d->pass_over;
    n -= (size_t)d->pass_over;
    d->pass_over = 0;
    if (!d->sink->write(d->sink->data, p, n, err))
        return false;
    d->sink->got += n;
    return true;
}

static enum err_kind get(struct download *d, struct http_client_response *ret, struct err *err)
{
    struct oci_registry *r = d->registry;
    char range[40];
    struct http_header header = {"Range", range};
    snprintf(range, sizeof(range), "bytes=%" PRIu64 "-", d->sink->got);
    autofree char *target = mem_printf("/v2/%s/blobs/%s", r->repository, d->digest);
    struct oci_request q = {
        .host = r->host,
        .scope = r->pull_scope,
        .target = target,
        .http =
            {.method = "GET",
             .headers = &header,
             .header_count = d->sink->got > 0 && !d->wants_whole ? 1 : 0,
             .begin_body = begin_body,
             .write_body = take,
             .data = d,
             .body_max = OCI_ERROR_BODY_MAX,
             .follow_redirects = true},
        .is_single_try = true};
    return oci_transport_send(r->transport, &q, ret, err);
}

static enum err_kind pause_before_next(
    struct download *d, const struct http_client_response *p, enum err_kind k, struct err *err)
{
    struct err why = {0};
    if (d->sink->got >= d->failed_at + PROGRESS_BYTES)
        d->failures = 0;
    d->failed_at = d->sink->got;
    if (k == ERR_OK)
        oci_status_error(d->registry, p, "blob", d->digest, &why);
    else if (err != NULL)
        why = *err;
    else
        err_set(&why, k, "the connection broke");
    return oci_registry_pause(d->registry, ++d->failures, k, p, &why, err);
}

/* One request; ret_is_done false: another one is to follow. */
static enum err_kind try_once(struct download *d, bool *ret_is_done, struct err *err)
{
    struct http_client_response p = {0};
    d->is_mismatch = false;
    enum err_kind k = get(d, &p, err);
    bool is_range_refused = k == ERR_OK && p.status == 416 && d->sink->got > 0;
    *ret_is_done = false;
    if ((d->is_mismatch || is_range_refused) && !d->wants_whole) {
        d->wants_whole = true;
        k = ERR_OK;
    } else if (p.is_broken || (k == ERR_OK && http_retry_is_status(p.status))) {
        k = pause_before_next(d, &p, k, err);
    } else if (k == ERR_OK && p.status != 200 && p.status != 206) {
        k = oci_status_error(d->registry, &p, "blob", d->digest, err);
    } else {
        *ret_is_done = true;
    }
    http_client_response_deinit(&p);
    return k;
}

enum err_kind oci_download(
    struct oci_registry *r,
    const char *digest,
    uint64_t size,
    struct oci_sink *sink,
    struct err *err)
{
    struct download d = {.registry = r, .digest = digest, .size = size, .sink = sink};
    bool is_done = sink->got == size && size > 0;
    enum err_kind k = ERR_OK;
    while (k == ERR_OK && !is_done)
        k = try_once(&d, &is_done, err);
    return k;
}

/* --- to a reader that only looks on ---------------------------------------------------------------------- */

struct blob_reader {
    struct oci_verifier verifier;
    bool (*write)(void *data, const char *p, size_t n, struct err *err);
    void *data;
};

static bool take_blob(void *data, const char *p, size_t n, struct err *err)
{
    struct blob_reader *b = data;
    return oci_verifier_add(&b->verifier, p, n, err) == ERR_OK && b->write(b->data, p, n, err);
}

enum err_kind oci_registry_read_blob(
    struct oci_registry *r,
    const char *digest,
    uint64_t size,
    bool (*write)(void *data, const char *p, size_t n, struct err *err),
    void *data,
    struct err *err)
{
    struct blob_reader b = {.write = write, .data = data};
    struct oci_sink sink = {.write = take_blob, .data = &b};
    oci_verifier_init(&b.verifier, digest, size);
    enum err_kind k = oci_download(r, digest, size, &sink, err);
    if (k == ERR_OK)
        k = oci_verifier_end(&b.verifier, err);
    oci_verifier_deinit(&b.verifier);
    return k;
}
