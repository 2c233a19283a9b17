#include "oci/transfer.h"
#include "base/mem.h"
#include "oci/download.h"
#include "oci/registry_call.h"
#include "oci/relay.h"

#include <errno.h>
#include <unistd.h>

static void tell(struct oci_transfer *t, const struct oci_descriptor *d, uint64_t done)
{
    struct oci_session *s = t->session;
    if (s->progress != NULL)
        s->progress(s->progress_data, t->verb, d->digest, done, d->size);
}

static enum err_kind check_stopped(struct oci_transfer *t, struct err *err)
{
    if (atomic_load_explicit(&t->is_stopped, memory_order_relaxed))
        return err_set(err, ERR_CANCELLED, "another part of the image failed");
    return oci_session_check(t->session, err);
}

/* --- into a layout ------------------------------------------------------------------------------------ */

struct fetch {
    struct oci_transfer *transfer;
    const struct oci_descriptor *d;
    const struct oci_onlooker *also;
    struct oci_blob_writer writer;
    struct err seen; /* what is wrong in the eyes of `also` */
};

static bool show(void *data, const char *p, size_t n, struct err *err)
{
    struct fetch *f = data;
    (void)err;
    if (f->also != NULL && f->seen.kind == ERR_OK &&
        !f->also->write(f->also->data, p, n, &f->seen) && f->seen.kind == ERR_OK)
        err_set(&f->seen, ERR_INVALID, "layer %s was not taken", f->d->digest);
    return true;
}

static bool write_fetched(void *data, const char *p, size_t n, struct err *err)
{
    struct fetch *f = data;
    if (check_stopped(f->transfer, err) != ERR_OK || oci_blob_add(&f->writer, p, n, err) != ERR_OK)
        return false;
    tell(f->transfer, f->d, f->writer.verifier.got);
    return show(f, p, n, err);
}

static enum err_kind restart_fetch(void *data, struct err *err)
{
    struct fetch *f = data;
    f->seen = (struct err){0};
    if (f->also != NULL)
        f->also->restart(f->also->data);
    return oci_blob_restart(&f->writer, err);
}

static enum err_kind fetch_bytes(struct fetch *f, struct err *err)
{
    const struct oci_descriptor *d = f->d;
    struct oci_place *from = f->transfer->from;
    if (from->layout != NULL)
        return oci_layout_read(from->layout, d->digest, d->size, write_fetched, f, err);
    struct oci_sink sink = {
        .got = f->writer.verifier.got, .write = write_fetched, .restart = restart_fetch, .data = f};
    return oci_download(from->registry, d->digest, d->size, &sink, err);
}

/* All is there: is it the blob, and is the onlooker content? */
static enum err_kind judge(struct fetch *f, struct err *err)
{
    enum err_kind r = oci_blob_verify(&f->writer, err);
    if (r != ERR_OK || f->also == NULL)
        return r;
    if (f->seen.kind == ERR_OK) {
        r = f->also->end(f->also->data, err);
    } else {
        r = f->seen.kind;
        if (err != NULL)
            *err = f->seen;
    }
    return r;
}

/* What an earlier process left may have rotted since: once more, and from the start. */
static enum err_kind fetch_again(struct fetch *f, struct err *err)
{
    enum err_kind r = restart_fetch(f, err);
    if (r == ERR_OK)
        r = fetch_bytes(f, err);
    return r == ERR_OK ? judge(f, err) : r;
}

static enum err_kind fetch_opened(struct fetch *f, struct err *err)
{
    bool is_resumed = f->writer.verifier.got > 0;
    enum err_kind r = fetch_bytes(f, err);
    if (r == ERR_OK)
        r = judge(f, err);
    if (r == ERR_UNVERIFIED && is_resumed)
        r = fetch_again(f, err);
    if (r == ERR_OK)
        return oci_blob_commit(&f->writer, err);
    /* Nobody goes on from bytes that are wrong. */
    if (r == ERR_UNVERIFIED || r == ERR_INVALID || r == ERR_LIMIT)
        f->writer.is_partial = false;
    return r;
}

static enum err_kind fetch_blob(
    struct oci_transfer *t,
    const struct oci_descriptor *d,
    const struct oci_onlooker *also,
    struct err *err)
{
    struct fetch f = {.transfer = t, .d = d, .also = also, .writer = {.fd = -1}};
    struct oci_layout *to = t->to->layout;
    enum err_kind r = t->from->registry != NULL
        ? oci_blob_begin_partial(to, d->digest, d->size, show, &f, &f.writer, err)
        : oci_blob_begin(to, d->digest, d->size, &f.writer, err);
    if (r == ERR_OK)
        r = fetch_opened(&f, err);
    oci_blob_deinit(&f.writer);
    return r;
}

/* --- into a registry ---------------------------------------------------------------------------------- */

/* A blob's file as a request body; checked as it is read, for the registry is not asked to notice that a
 * blob has rotted here. */
struct blob_body {
    struct oci_layout *layout;
    const struct oci_descriptor *d;
    int fd;
    struct oci_verifier verifier;
    struct err err; /* why read gave up */
};

/* Either of both; counts what is sent. */
struct sending {
    struct oci_transfer *transfer;
    const struct oci_descriptor *d;
    struct oci_body body;
    uint64_t sent;
    struct err err;
};

static void body_close(struct blob_body *b)
{
    if (b->fd >= 0)
        close(b->fd);
    b->fd = -1;
    oci_verifier_deinit(&b->verifier);
}

static enum err_kind body_rewind(void *data, struct err *err)
{
    struct blob_body *b = data;
    body_close(b);
    enum err_kind r = oci_layout_open_blob(b->layout, b->d->digest, &b->fd, err);
    if (r == ERR_OK)
        oci_verifier_init(&b->verifier, b->d->digest, b->d->size);
    return r;
}

/* The last piece is only handed out after the whole blob has verified. */
static ptrdiff_t body_read(void *data, char *to, size_t n)
{
    struct blob_body *b = data;
    ssize_t got;
    if (b->verifier.got == b->d->size && b->d->size > 0)
        return 0;
    do
        got = read(b->fd, to, n);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        err_errno(&b->err, errno, "reading blob %s", b->d->digest);
        return -1;
    }
    enum err_kind r = oci_verifier_add(&b->verifier, to, (size_t)got, &b->err);
    if (r == ERR_OK && (got == 0 || b->verifier.got == b->d->size))
        r = oci_verifier_end(&b->verifier, &b->err);
    return r == ERR_OK ? got : -1;
}

static enum err_kind sending_rewind(void *data, struct err *err)
{
    struct sending *s = data;
    s->sent = 0;
    return s->body.rewind(s->body.data, err);
}

static ptrdiff_t sending_read(void *data, char *to, size_t n)
{
    struct sending *s = data;
    if (check_stopped(s->transfer, &s->err) != ERR_OK)
        return -1;
    ptrdiff_t got = s->body.read(s->body.data, to, n);
    if (got > 0) {
        s->sent += (uint64_t)got;
        tell(s->transfer, s->d, s->sent);
    }
    return got;
}

/* Of a body that gave up the reason is its own. */
static enum err_kind reason(enum err_kind r, const struct err *own, struct err *err)
{
    if (r == ERR_OK || own->kind == ERR_OK)
        return r;
    if (err != NULL)
        *err = *own;
    return own->kind;
}

static enum err_kind send_body(
    struct oci_transfer *t,
    const struct oci_descriptor *d,
    const struct oci_body *body,
    struct err *err)
{
    struct sending s = {.transfer = t, .d = d, .body = *body};
    struct oci_body counted = {.rewind = sending_rewind, .read = sending_read, .data = &s};
    enum err_kind r = oci_registry_put_blob(t->to->registry, d->digest, d->size, &counted, err);
    return reason(r, &s.err, err);
}

static enum err_kind
send_from_layout(struct oci_transfer *t, const struct oci_descriptor *d, struct err *err)
{
    struct blob_body b = {.layout = t->from->layout, .d = d, .fd = -1};
    struct oci_body body = {.rewind = body_rewind, .read = body_read, .data = &b};
    enum err_kind r = send_body(t, d, &body, err);
    r = reason(r, &b.err, err);
    body_close(&b);
    return r;
}

static enum err_kind
send_from_registry(struct oci_transfer *t, const struct oci_descriptor *d, struct err *err)
{
    struct oci_relay *relay = oci_relay_new(t->from->registry, d->digest, d->size);
    struct oci_body body = {.rewind = oci_relay_rewind, .read = oci_relay_read, .data = relay};
    enum err_kind r = send_body(t, d, &body, err);
    const struct err *why = oci_relay_error(relay);
    if (why->kind != ERR_CANCELLED)
        r = reason(r, why, err);
    oci_relay_free(relay);
    return r;
}

static bool is_same_host(const struct oci_place *from, const struct oci_place *to)
{
    return from->registry != NULL && to->registry != NULL &&
        strcmp(from->registry->host, to->registry->host) == 0;
}

bool oci_transfer_is_within(const struct oci_place *from, const struct oci_place *to)
{
    return is_same_host(from, to) &&
        strcmp(from->registry->repository, to->registry->repository) == 0;
}

static enum err_kind
send_blob(struct oci_transfer *t, const struct oci_descriptor *d, bool *ret_had_it, struct err *err)
{
    struct oci_registry *to = t->to->registry;
    enum err_kind r = ERR_OK;
    if (is_same_host(t->from, t->to))
        r = oci_registry_mount(to, d->digest, t->from->registry->repository, ret_had_it, err);
    if (r == ERR_OK && !*ret_had_it)
        r = oci_registry_has_blob(to, d->digest, ret_had_it, err);
    if (r != ERR_OK || *ret_had_it)
        return r;
    return t->from->layout != NULL ? send_from_layout(t, d, err) : send_from_registry(t, d, err);
}

/* --- either ------------------------------------------------------------------------------------------- */

/* What has rotted is fetched again. */
static bool is_whole_there(struct oci_layout *l, const struct oci_descriptor *d)
{
    return oci_layout_has(l, d->digest, d->size) &&
        oci_layout_read(l, d->digest, d->size, NULL, NULL, NULL) == ERR_OK;
}

enum err_kind oci_transfer_blob(
    struct oci_transfer *t,
    const struct oci_descriptor *d,
    const struct oci_onlooker *also,
    bool *ret_had_it,
    struct err *err)
{
    bool had_it = false;
    enum err_kind r = check_stopped(t, err);
    if (r != ERR_OK)
        return r;
    if (t->to->registry != NULL)
        r = send_blob(t, d, &had_it, err);
    else if (is_whole_there(t->to->layout, d))
        had_it = true;
    else
        r = fetch_blob(t, d, also, err);
    if (r != ERR_OK)
        atomic_store_explicit(&t->is_stopped, true, memory_order_relaxed);
    if (ret_had_it != NULL)
        *ret_had_it = had_it;
    return r;
}
