#include "repo/pack_scan.h"

#include "base/mem.h"

#include <zlib.h>

enum {
    HEADER_BYTES = 12, /* "PACK", version, number of objects */
    ID_BYTES = 20,     /* of a delta's base, of the whole pack at its end */
    HELD_MAX = 20,
    /* Two numbers of up to ten bytes each begin a delta: the sizes of its base and of what it makes. */
    DELTA_HEAD_MAX = 20,
    CHUNK_BYTES = 64 << 10,
};

/* As they stand in a pack. */
enum object_type { COMMIT = 1, TREE = 2, BLOB = 3, TAG = 4, OFS_DELTA = 6, REF_DELTA = 7 };

enum stage { AT_HEADER, AT_ENTRY, AT_OFFSET, AT_BASE, AT_DATA, AT_TRAILER, AT_END };

struct pack_scan {
    struct pack_limits limits;
    enum stage stage;
    uint64_t bytes; /* of the pack so far */
    uint32_t objects;
    uint32_t left;          /* objects that are still to come */
    uint8_t held[HELD_MAX]; /* a part of fixed length that has not come whole */
    size_t held_n;
    /* the object that is being read */
    unsigned type;
    uint64_t size;  /* what it says to be: of a delta, the delta's own */
    unsigned shift; /* of the next bits of a number; 0: it has not begun */
    uint64_t inflated;
    uint8_t delta_head[DELTA_HEAD_MAX];
    size_t delta_head_n;
    z_stream z;
    uint8_t chunk[CHUNK_BYTES];
};

struct pack_scan *pack_scan_new(const struct pack_limits *limits)
{
    struct pack_scan *s = mem_new(struct pack_scan);
    s->limits = *limits;
    if (inflateInit(&s->z) != Z_OK)
        abort(); /* no memory for a few KiB: as base/mem does */
    return s;
}

struct pack_scan *pack_scan_free(struct pack_scan *s)
{
    if (s != NULL)
        inflateEnd(&s->z);
    free(s);
    return NULL;
}

uint32_t pack_scan_objects(const struct pack_scan *s)
{
    return s->objects;
}

static enum err_kind refuse(const struct pack_scan *s, const char *why, struct err *err)
{
    return err_set(
        err, ERR_FAILED, "the pack is not Git's: %s (object %u of %u)", why,
        s->objects - s->left + 1, s->objects);
}

static enum err_kind
limit(uint64_t is, uint64_t max, const char *what, const char *unit, struct err *err)
{
    if (is <= max)
        return ERR_OK;
    return err_set(
        err, ERR_LIMIT, "%s has %llu %s, more than %llu", what, (unsigned long long)is, unit,
        (unsigned long long)max);
}

/* Gather n bytes; false: they have not all come. */
static bool hold(struct pack_scan *s, struct str *in, size_t n)
{
    size_t take = n - s->held_n < in->n ? n - s->held_n : in->n;
    memcpy(s->held + s->held_n, in->p, take);
    s->held_n += take;
    *in = str_skip(*in, take);
    if (s->held_n < n)
        return false;
    s->held_n = 0;
    return true;
}

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void next_object(struct pack_scan *s)
{
    s->stage = s->left > 0 ? AT_ENTRY : AT_TRAILER;
    s->shift = 0;
    s->inflated = 0;
    s->delta_head_n = 0;
    inflateReset(&s->z);
}

static enum err_kind take_header(struct pack_scan *s, struct str *in, struct err *err)
{
    if (!hold(s, in, HEADER_BYTES))
        return ERR_OK;
    uint32_t version = big_endian(s->held + 4);
    if (memcmp(s->held, "PACK", 4) != 0 || (version != 2 && version != 3))
        return err_set(err, ERR_FAILED, "what it sent is no pack that we know");
    s->objects = big_endian(s->held + 8);
    s->left = s->objects;
    next_object(s);
    return limit(s->objects, s->limits.objects, "the pack", "objects", err);
}

static bool is_delta(const struct pack_scan *s)
{
    return s->type == OFS_DELTA || s->type == REF_DELTA;
}

/* Type and size are known. */
static enum err_kind begin_object(struct pack_scan *s, struct err *err)
{
    switch (s->type) {
    case COMMIT:
    case TREE:
    case TAG:
    case BLOB:
        s->stage = AT_DATA;
        break;
    case OFS_DELTA:
        s->stage = AT_OFFSET;
        break;
    case REF_DELTA:
        s->stage = AT_BASE;
        break;
    default:
        return refuse(s, "an object of no type", err);
    }
    s->shift = 0;
    return limit(
        s->size, s->type == BLOB ? s->limits.blob_bytes : s->limits.object_bytes,
        "an object of the pack", "bytes", err);
}

/* The first byte has the type and four bits of the size, each further one seven. */
static enum err_kind take_entry(struct pack_scan *s, struct str *in, struct err *err)
{
    uint8_t byte = (uint8_t)in->p[0];
    *in = str_skip(*in, 1);
    if (s->shift == 0) {
        s->type = byte >> 4 & 7;
        s->size = byte & 15;
        s->shift = 4;
    } else {
        if (s->shift > 53)
            return refuse(s, "a size beyond all sizes", err);
        s->size |= (uint64_t)(byte & 127) << s->shift;
        s->shift += 7;
    }
    return (byte & 128) != 0 ? ERR_OK : begin_object(s, err);
}

/* How far back the base of a delta is. Where that leads is the indexer's to look at. */
static enum err_kind take_offset(struct pack_scan *s, struct str *in, struct err *err)
{
    uint8_t byte = (uint8_t)in->p[0];
    *in = str_skip(*in, 1);
    if ((byte & 128) == 0)
        s->stage = AT_DATA;
    else if (++s->shift == 9)
        return refuse(s, "an offset beyond all offsets", err);
    return ERR_OK;
}

static bool read_number(const uint8_t *bytes, size_t n, size_t *at, uint64_t *ret)
{
    *ret = 0;
    for (unsigned shift = 0; *at < n && shift < 63; shift += 7) {
        uint8_t byte = bytes[(*at)++];
        *ret |= (uint64_t)(byte & 127) << shift;
        if ((byte & 128) == 0)
            return true;
    }
    return false;
}

static enum err_kind end_object(struct pack_scan *s, struct err *err)
{
    size_t at = 0;
    uint64_t base, made;
    if (s->inflated != s->size)
        return refuse(s, "an object is shorter than it says", err);
    if (is_delta(s)) {
        if (!read_number(s->delta_head, s->delta_head_n, &at, &base) ||
            !read_number(s->delta_head, s->delta_head_n, &at, &made))
            return refuse(s, "a delta without sizes", err);
        enum err_kind kind =
            limit(made, s->limits.object_bytes, "an object of the pack", "bytes", err);
        if (kind != ERR_OK)
            return kind;
    }
    s->left--;
    next_object(s);
    return ERR_OK;
}

static enum err_kind count_inflated(struct pack_scan *s, size_t n, struct err *err)
{
    size_t room = DELTA_HEAD_MAX - s->delta_head_n;
    size_t keep = n < room ? n : room;
    memcpy(s->delta_head + s->delta_head_n, s->chunk, keep);
    s->delta_head_n += keep;
    s->inflated += n;
    return s->inflated > s->size ? refuse(s, "an object is longer than it says", err) : ERR_OK;
}

static enum err_kind take_data(struct pack_scan *s, struct str *in, struct err *err)
{
    enum err_kind kind = ERR_OK;
    int code = Z_OK;
    do {
        size_t n = in->n < CHUNK_BYTES ? in->n : CHUNK_BYTES;
        s->z.next_in = (Bytef *)(uintptr_t)in->p;
        s->z.avail_in = (uInt)n;
        s->z.next_out = s->chunk;
        s->z.avail_out = CHUNK_BYTES;
        code = inflate(&s->z, Z_NO_FLUSH);
        *in = str_skip(*in, n - s->z.avail_in);
        kind = count_inflated(s, CHUNK_BYTES - s->z.avail_out, err);
        /* Z_BUF_ERROR: it could not get on without more input */
    } while (kind == ERR_OK && code == Z_OK && (in->n > 0 || s->z.avail_out == 0));
    if (kind != ERR_OK || code == Z_OK || code == Z_BUF_ERROR)
        return kind;
    return code == Z_STREAM_END ? end_object(s, err) : refuse(s, "damaged data", err);
}

static enum err_kind take(struct pack_scan *s, struct str *in, struct err *err)
{
    switch (s->stage) {
    case AT_HEADER:
        return take_header(s, in, err);
    case AT_ENTRY:
        return take_entry(s, in, err);
    case AT_OFFSET:
        return take_offset(s, in, err);
    case AT_BASE:
        s->stage = hold(s, in, ID_BYTES) ? AT_DATA : AT_BASE;
        return ERR_OK;
    case AT_DATA:
        return take_data(s, in, err);
    case AT_TRAILER:
        s->stage = hold(s, in, ID_BYTES) ? AT_END : AT_TRAILER;
        return ERR_OK;
    case AT_END:
    default:
        return err_set(err, ERR_FAILED, "it sent more behind the end of the pack");
    }
}

enum err_kind pack_scan_add(struct pack_scan *s, struct str bytes, struct err *err)
{
    s->bytes += bytes.n;
    enum err_kind kind = limit(s->bytes, s->limits.pack_bytes, "the pack", "bytes", err);
    while (kind == ERR_OK && bytes.n > 0)
        kind = take(s, &bytes, err);
    return kind;
}

enum err_kind pack_scan_finish(const struct pack_scan *s, struct err *err)
{
    if (s->stage == AT_END)
        return ERR_OK;
    return err_set(
        err, ERR_FAILED, "the pack broke off: %llu bytes came, with %u of %u objects",
        (unsigned long long)s->bytes, s->objects - s->left, s->objects);
}
