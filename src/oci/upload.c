#include "base/mem.h"
#include "http/url.h"
#include "oci/registry_call.h"

#include <inttypes.h>
#include <stdio.h>

/*
 * A blob on its way into a registry (distribution-spec 1.1, "Pushing blobs"): a session is begun, the bytes
 * go in one PUT, or in chunks where the registry asks for chunks or does not take that much at once. When
 * a request fails the session is asked how far it has come and is gone on with; a session that is lost is
 * begun anew. `has` is what the registry has, never what was sent.
 */
enum {
    CHUNK_BYTES = 8 << 20,    /* where the registry says no least size, or a smaller one */
    CHUNK_LEAST = 1 << 20,    /* smaller ones are not tried after a 413 */
    PROGRESS_BYTES = 1 << 20, /* that much further, and the tries count anew */
    SESSIONS_MAX = 4,
};

struct upload {
    struct oci_registry *registry;
    const char *digest;
    uint64_t size;
    const struct oci_body *body;
    uint64_t body_at;     /* where the body's reader stands; UINT64_MAX: not rewound yet */
    char *location;       /* the newest one, as an absolute URL; NULL: no session */
    uint64_t has;         /* bytes that the session has */
    uint64_t chunk;       /* bytes of one PATCH; 0: all in one PUT */
    uint64_t chunk_least; /* OCI-Chunk-Min-Length; 0: not said */
    bool refuses_chunks;  /* it took chunks and then not the blob */
    bool is_doubted;      /* it named another digest: that it has the blob is not believed */
    bool is_done;
    unsigned sessions;
    unsigned failures;  /* since the last progress */
    uint64_t failed_at; /* `has` at the first of them */
};

/* --- the part of the body that one request sends ----------------------------------------------------- */

struct piece {
    struct upload *upload;
    uint64_t start;
    uint64_t end;
};

static enum err_kind skip_to(struct upload *u, uint64_t start, struct err *err)
{
    char waste[16 << 10];
    while (u->body_at < start) {
        uint64_t left = start - u->body_at;
        ptrdiff_t n = u->body->read(
            u->body->data, waste, left < sizeof(waste) ? (size_t)left : sizeof(waste));
        if (n <= 0)
            return err_set(err, ERR_FAILED, "blob %s is shorter than it was", u->digest);
        u->body_at += (uint64_t)n;
    }
    return ERR_OK;
}

/* Before each try of a request. A body that stands there already is not read again from its start. */
static enum err_kind piece_rewind(void *data, struct err *err)
{
    struct piece *piece = data;
    struct upload *u = piece->upload;
    if (u->body_at > piece->start) {
        enum err_kind k = u->body->rewind(u->body->data, err);
        if (k != ERR_OK)
            return k;
        u->body_at = 0;
    }
    return skip_to(u, piece->start, err);
}

static ptrdiff_t piece_read(void *data, char *to, size_t n)
{
    struct piece *piece = data;
    struct upload *u = piece->upload;
    uint64_t left = piece->end - u->body_at;
    if (left == 0)
        return 0;
    ptrdiff_t got = u->body->read(u->body->data, to, left < n ? (size_t)left : n);
    if (got > 0)
        u->body_at += (uint64_t)got;
    return got;
}

/* --- sessions ---------------------------------------------------------------------------------------- */

static void drop_session(struct upload *u)
{
    free(u->location);
    u->location = NULL;
    u->has = 0;
}

/* The newest Location counts: absolute or relative, with or without a query; never rebuilt. */
static enum err_kind
take_location(struct upload *u, const struct http_client_response *p, struct err *err)
{
    struct str location = http_client_header(p, "Location", 0);
    if (location.n == 0)
        return u->location != NULL
            ? ERR_OK
            : err_set(err, ERR_FAILED, "the registry gave no Location for the upload");
    autofree char *reference = mem_strdup_str(location);
    char *url = NULL;
    enum err_kind k = http_url_join(p->effective_url, reference, &url, err);
    if (k != ERR_OK)
        return err_wrap(err, "the upload's Location");
    free(u->location);
    u->location = url;
    return ERR_OK;
}

/* OCI-Chunk-Min-Length (distribution-spec, "Pushing a blob in chunks"): a registry that says it wants
 * chunks. A blob no longer than one goes in one request all the same. */
static void choose_chunks(struct upload *u, const struct http_client_response *p)
{
    struct str text = http_client_header(p, "OCI-Chunk-Min-Length", 0);
    uint64_t least;
    if (text.n == 0 || !str_to_u64(text, &least) || least == 0)
        return;
    u->chunk_least = least;
    if (u->chunk == 0)
        u->chunk = CHUNK_BYTES;
    if (u->chunk < least)
        u->chunk = least;
}

static enum err_kind begin(struct upload *u, struct err *err)
{
    struct oci_registry *r = u->registry;
    if (u->sessions++ == SESSIONS_MAX)
        return err_set(
            err, ERR_FAILED, "'%s' lost the upload of blob %s %d times", r->host, u->digest,
            SESSIONS_MAX);
    autofree char *target = mem_printf("/v2/%s/blobs/uploads/", r->repository);
    struct oci_request q = {
        .host = r->host,
        .scope = r->push_scope,
        .target = target,
        .http = {.method = "POST", .body_max = OCI_ERROR_BODY_MAX}};
    struct http_client_response p = {0};
    enum err_kind k = oci_transport_send(r->transport, &q, &p, err);
    if (k == ERR_OK && p.status != 202)
        k = oci_status_error(r, &p, "upload of blob", u->digest, err);
    else if (k == ERR_OK)
        k = take_location(u, &p, err);
    if (k == ERR_OK)
        choose_chunks(u, &p);
    http_client_response_deinit(&p);
    return k;
}

/* A session again, after one was lost. Its last request may have come through with the answer lost. */
static enum err_kind begin_again(struct upload *u, struct err *err)
{
    enum err_kind k = oci_registry_has_blob(u->registry, u->digest, &u->is_done, err);
    return k == ERR_OK && !u->is_done ? begin(u, err) : k;
}

bool oci_range_end(struct str range, uint64_t *ret_count)
{
    struct str last = range;
    struct str first = str_trim(str_cut(&last, '-'));
    uint64_t from, to;
    if (str_starts(first, STR("bytes=")))
        first = str_skip(first, strlen("bytes="));
    if (last.p == NULL || !str_to_u64(first, &from) || !str_to_u64(str_trim(last), &to) ||
        from != 0 || to == UINT64_MAX)
        return false;
    /* "0-0" is one byte by the words of the specification and none at all by what registries do. */
    *ret_count = to == 0 ? 0 : to + 1;
    return true;
}

/* GET the session: 204 with a Range says how far it has come. Anything else, and it is begun anew. */
static enum err_kind ask_session(struct upload *u, struct err *err)
{
    struct oci_registry *r = u->registry;
    struct oci_request q = {
        .host = r->host,
        .scope = r->push_scope,
        .target = u->location,
        .http = {.method = "GET", .body_max = OCI_ERROR_BODY_MAX}};
    struct http_client_response p = {0};
    enum err_kind k = oci_transport_send(r->transport, &q, &p, err);
    bool is_known = k == ERR_OK && (p.status == 204 || p.status == 202) &&
        oci_range_end(http_client_header(&p, "Range", 0), &u->has) && u->has > 0 &&
        u->has <= u->size;
    if (is_known)
        is_known = take_location(u, &p, NULL) == ERR_OK;
    if (!is_known)
        drop_session(u);
    http_client_response_deinit(&p);
    return k;
}

/* --- one request and what comes of it ------------------------------------------------------------------ */

/* PATCH of the next chunk, or the PUT that ends the session with whatever is left. */
static enum err_kind send_piece(
    struct upload *u,
    const char *method,
    const char *url,
    uint64_t end,
    struct http_client_response *ret,
    struct err *err)
{
    struct oci_registry *r = u->registry;
    struct piece piece = {.upload = u, .start = u->has, .end = end};
    char range[48];
    struct http_header headers[2] = {{"Content-Type", "application/octet-stream"}};
    size_t count = 1;
    snprintf(range, sizeof(range), "%" PRIu64 "-%" PRIu64, u->has, end - 1);
    /* "0-99": inclusive, and without the unit that Range has elsewhere. */
    if (strcmp(method, "PATCH") == 0)
        headers[count++] = (struct http_header){"Content-Range", range};
    struct oci_request q = {
        .host = r->host,
        .scope = r->push_scope,
        .target = url,
        .http =
            {.method = method,
             .headers = headers,
             .header_count = count,
             .read_body = piece_read,
             .body_bytes = (int64_t)(end - u->has),
             .data = &piece,
             .body_max = OCI_ERROR_BODY_MAX},
        .rewind = piece_rewind,
        .rewind_data = &piece,
        .is_single_try = true};
    return oci_transport_send(r->transport, &q, ret, err);
}

/* The request failed in a way that may pass: wait, then ask the session where to go on. */
static enum err_kind
recover(struct upload *u, const struct http_client_response *p, enum err_kind k, struct err *err)
{
    struct err why = {0};
    if (u->has >= u->failed_at + PROGRESS_BYTES)
        u->failures = 0;
    u->failed_at = u->has;
    if (k == ERR_OK)
        oci_status_error(u->registry, p, "upload of blob", u->digest, &why);
    else if (err != NULL)
        why = *err;
    else
        err_set(&why, k, "the connection broke");
    k = oci_registry_pause(u->registry, ++u->failures, k, p, &why, err);
    return k == ERR_OK ? ask_session(u, err) : k;
}

static bool is_session_lost(const struct http_client_response *p)
{
    return p->status == 404 || p->status == 416 || oci_answer_has_code(p, "BLOB_UPLOAD_UNKNOWN") ||
        oci_answer_has_code(p, "BLOB_UPLOAD_INVALID");
}

/* Too much at once: in chunks, in smaller ones. False: there is no smaller one. */
static bool shrink_chunks(struct upload *u)
{
    uint64_t chunk = u->chunk == 0 ? CHUNK_BYTES : u->chunk / 2;
    uint64_t least = u->chunk_least > CHUNK_LEAST ? u->chunk_least : CHUNK_LEAST;
    while (chunk >= u->size && chunk >= least)
        chunk /= 2;
    if (u->refuses_chunks || chunk < least)
        return false;
    u->chunk = chunk;
    return true;
}

/* A request that was answered with an error. ERR_OK: go on, the upload says from where. */
static enum err_kind
refused(struct upload *u, const struct http_client_response *p, bool is_last, struct err *err)
{
    bool sent_chunks = u->has > 0;
    if (http_retry_is_status(p->status))
        return recover(u, p, ERR_OK, err);
    if (p->status == 413 && shrink_chunks(u)) {
        drop_session(u);
        return ERR_OK;
    }
    if (p->status == 416 && !is_last && u->sessions < SESSIONS_MAX) {
        u->sessions++; /* asking counts: it must not go round for ever */
        return ask_session(u, err);
    }
    /* Some take chunks and then refuse the blob that they make up. */
    if (is_last && sent_chunks && p->status < 500 && p->status != 401 && p->status != 403 &&
        !u->refuses_chunks) {
        u->refuses_chunks = true;
        u->chunk = 0;
        drop_session(u);
        return ERR_OK;
    }
    if (is_session_lost(p)) {
        drop_session(u);
        return ERR_OK;
    }
    return oci_status_error(u->registry, p, "upload of blob", u->digest, err);
}

static enum err_kind
took_chunk(struct upload *u, const struct http_client_response *p, uint64_t end, struct err *err)
{
    uint64_t has = end;
    struct str range = http_client_header(p, "Range", 0);
    if (range.n > 0 && (!oci_range_end(range, &has) || has > end)) {
        drop_session(u);
        return ERR_OK;
    }
    /* It may have taken less than it was sent; nothing at all would never end. */
    if (has <= u->has && ++u->failures > HTTP_TRIES_MAX)
        return err_set(
            err, ERR_FAILED, "'%s' takes no byte of blob %s behind %" PRIu64, u->registry->host,
            u->digest, u->has);
    u->has = has;
    return take_location(u, p, err);
}

static enum err_kind send_chunk(struct upload *u, struct err *err)
{
    uint64_t left = u->size - u->has;
    uint64_t end = u->chunk == 0 || u->chunk > left ? u->size : u->has + u->chunk;
    struct http_client_response p = {0};
    enum err_kind k = send_piece(u, "PATCH", u->location, end, &p, err);
    if (k != ERR_OK)
        k = p.is_broken ? recover(u, &p, k, err) : k;
    else if (p.status == 202 || p.status == 201 || p.status == 204)
        k = took_chunk(u, &p, end, err);
    else
        k = refused(u, &p, false, err);
    http_client_response_deinit(&p);
    return k;
}

/* 201 it should be; 204 from old registries. What it says of the digest must be so. */
static enum err_kind
took_blob(struct upload *u, const struct http_client_response *p, struct err *err)
{
    struct str said = http_client_header(p, "Docker-Content-Digest", 0);
    char shown[OCI_SHOWN_MAX];
    if (said.n == 0 || str_eqz(said, u->digest)) {
        u->is_done = true;
        return ERR_OK;
    }
    drop_session(u);
    u->is_doubted = true;
    if (u->sessions < SESSIONS_MAX)
        return ERR_OK;
    return err_set(
        err, ERR_UNVERIFIED, "digest mismatch: pushed %s, '%s' answers %s", u->digest,
        u->registry->host, oci_show(said, shown));
}

static enum err_kind send_last(struct upload *u, struct err *err)
{
    struct http_client_response p = {0};
    autofree char *url = mem_printf(
        "%s%cdigest=sha256%%3A%s", u->location, strchr(u->location, '?') != NULL ? '&' : '?',
        u->digest + strlen("sha256:"));
    enum err_kind k = send_piece(u, "PUT", url, u->size, &p, err);
    if (k != ERR_OK)
        k = p.is_broken ? recover(u, &p, k, err) : k;
    else if (p.status == 201 || p.status == 204)
        k = took_blob(u, &p, err);
    else if (p.status == 202)
        drop_session(u); /* it says that there is more to come: then it is not done */
    else
        k = refused(u, &p, true, err);
    http_client_response_deinit(&p);
    return k;
}

/* What was sent in part goes on in chunks: a PUT would have to say where it begins, and cannot. */
static bool wants_chunk(const struct upload *u)
{
    if (u->has == u->size)
        return false;
    return u->has > 0 || (u->chunk > 0 && u->chunk < u->size && !u->refuses_chunks);
}

enum err_kind oci_registry_put_blob(
    struct oci_registry *r,
    const char *digest,
    uint64_t size,
    const struct oci_body *body,
    struct err *err)
{
    struct upload u = {
        .registry = r, .digest = digest, .size = size, .body = body, .body_at = UINT64_MAX};
    enum err_kind k = ERR_OK;
    while (k == ERR_OK && !u.is_done) {
        if (u.location == NULL)
            k = u.sessions == 0 || u.is_doubted ? begin(&u, err) : begin_again(&u, err);
        if (k != ERR_OK || u.is_done)
            break;
        k = wants_chunk(&u) ? send_chunk(&u, err) : send_last(&u, err);
    }
    drop_session(&u);
    return k;
}

/* --- mounting -------------------------------------------------------------------------------------- */

/* A registry that would not mount has begun an upload instead; it is told that none comes. What it
 * says to that does not matter: sessions that nobody goes on with are dropped anyway. */
static void end_session(struct oci_registry *r, const struct http_client_response *begun)
{
    struct str location = http_client_header(begun, "Location", 0);
    if (location.n == 0)
        return;
    autofree char *reference = mem_strdup_str(location);
    autofree char *url = NULL;
    if (http_url_join(begun->effective_url, reference, &url, NULL) != ERR_OK)
        return;
    struct oci_request q = {
        .host = r->host,
        .scope = r->push_scope,
        .target = url,
        .http = {.method = "DELETE", .body_max = OCI_ERROR_BODY_MAX},
        .is_single_try = true};
    struct http_client_response p = {0};
    (void)!oci_transport_send(r->transport, &q, &p, NULL);
    http_client_response_deinit(&p);
}

enum err_kind oci_registry_mount(
    struct oci_registry *r,
    const char *digest,
    const char *from_repository,
    bool *ret_is_mounted,
    struct err *err)
{
    *ret_is_mounted = false;
    /* Reading there and writing here: a token must say both. */
    autofree char *scope = mem_printf("%s repository:%s:pull", r->push_scope, from_repository);
    autofree char *target = mem_printf(
        "/v2/%s/blobs/uploads/?mount=%s&from=%s", r->repository, digest, from_repository);
    struct oci_request q = {
        .host = r->host,
        .scope = scope,
        .target = target,
        .http = {.method = "POST", .body_max = OCI_ERROR_BODY_MAX}};
    struct http_client_response p = {0};
    enum err_kind k = oci_transport_send(r->transport, &q, &p, err);
    *ret_is_mounted = k == ERR_OK && p.status == 201;
    if (k == ERR_OK && p.status == 202)
        end_session(r, &p);
    http_client_response_deinit(&p);
    /* It may not be allowed, or not be known, there: then the blob is sent. */
    return k == ERR_UNAUTHENTICATED || k == ERR_DENIED ? ERR_OK : k;
}
