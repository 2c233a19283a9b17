#include "oci/wasm.h"
#include "oci/digest.h"

#define WASI_MODULE "wasi_snapshot_preview1"

enum { SECTION_IMPORT = 2, SECTION_EXPORT = 7, SECTION_LAST = 13 };
enum { KIND_FUNC = 0, KIND_TABLE, KIND_MEMORY, KIND_GLOBAL, KIND_TAG };

/* Reads on from `rest`; once something did not fit, is_torn sticks and all reads give 0. */
struct cursor {
    struct str rest;
    bool is_torn;
};

static uint8_t take_byte(struct cursor *c)
{
    if (c->rest.n == 0) {
        c->is_torn = true;
        return 0;
    }
    uint8_t byte = (uint8_t)c->rest.p[0];
    c->rest = str_skip(c->rest, 1);
    return byte;
}

/* Unsigned LEB128 of at most `bits` bits. */
static uint64_t take_uint(struct cursor *c, unsigned bits)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < bits; shift += 7) {
        uint8_t byte = take_byte(c);
        uint64_t part = byte & 0x7F;
        if (bits - shift < 7 && part >> (bits - shift) != 0)
            break;
        value |= part << shift;
        if ((byte & 0x80) == 0)
            return value;
    }
    c->is_torn = true;
    return 0;
}

static uint32_t take_u32(struct cursor *c)
{
    return (uint32_t)take_uint(c, 32);
}

static struct str take_bytes(struct cursor *c, size_t n)
{
    if (n > c->rest.n) {
        c->is_torn = true;
        return str_of("", 0);
    }
    struct str bytes = str_take(c->rest, n);
    c->rest = str_skip(c->rest, n);
    return bytes;
}

static struct str take_name(struct cursor *c)
{
    return take_bytes(c, take_u32(c));
}

static void skip_limits(struct cursor *c)
{
    uint8_t flags = take_byte(c);
    unsigned bits = (flags & 4) != 0 ? 64 : 32; /* memory64 proposal */
    take_uint(c, bits);
    if ((flags & 1) != 0)
        take_uint(c, bits);
}

static void skip_import_type(struct cursor *c, uint8_t kind)
{
    switch (kind) {
    case KIND_FUNC:
        take_u32(c);
        break;
    case KIND_TABLE:
        take_byte(c);
        skip_limits(c);
        break;
    case KIND_MEMORY:
        skip_limits(c);
        break;
    case KIND_GLOBAL:
        take_byte(c);
        take_byte(c);
        break;
    case KIND_TAG:
        take_byte(c);
        take_u32(c);
        break;
    default:
        c->is_torn = true;
    }
}

static enum err_kind check_imports(struct cursor *c, struct err *err)
{
    for (uint32_t left = take_u32(c); left > 0 && !c->is_torn; left--) {
        struct str module = take_name(c);
        struct str name = take_name(c);
        uint8_t kind = take_byte(c);
        skip_import_type(c, kind);
        if (c->is_torn)
            break;
        if (!str_eqz(module, WASI_MODULE) || kind != KIND_FUNC) {
            char shown_module[OCI_SHOWN_MAX], shown_name[OCI_SHOWN_MAX];
            return err_set(
                err, ERR_INVALID,
                "the module imports '%s' from '%s'; a controller may only import functions "
                "of " WASI_MODULE,
                oci_show(name, shown_name), oci_show(module, shown_module));
        }
    }
    return ERR_OK;
}

struct exports {
    bool has_start;
    bool has_memory;
};

static void note_exports(struct cursor *c, struct exports *e)
{
    for (uint32_t left = take_u32(c); left > 0 && !c->is_torn; left--) {
        struct str name = take_name(c);
        uint8_t kind = take_byte(c);
        take_u32(c);
        e->has_start |= kind == KIND_FUNC && str_eqz(name, "_start");
        e->has_memory |= kind == KIND_MEMORY && str_eqz(name, "memory");
    }
}

static enum err_kind check_sections(struct cursor *c, struct exports *e, struct err *err)
{
    unsigned seen = 0; /* one bit a section id: each but custom ones stands at most once */
    while (c->rest.n > 0 && !c->is_torn) {
        uint8_t id = take_byte(c);
        uint32_t size = take_u32(c);
        struct cursor body = {.rest = take_bytes(c, size)};
        if (c->is_torn)
            break;
        if (id > SECTION_LAST || (id != 0 && (seen & 1U << id) != 0))
            return err_set(
                err, ERR_INVALID, "the module has an unknown or repeated section %u", id);
        seen |= 1U << id;
        enum err_kind r = ERR_OK;
        if (id == SECTION_IMPORT)
            r = check_imports(&body, err);
        else if (id == SECTION_EXPORT)
            note_exports(&body, e);
        if (r != ERR_OK)
            return r;
        if (body.is_torn || ((id == SECTION_IMPORT || id == SECTION_EXPORT) && body.rest.n > 0))
            return err_set(err, ERR_INVALID, "section %u of the module is torn", id);
    }
    if (c->is_torn)
        return err_set(err, ERR_INVALID, "the module ends in the middle of a section");
    return ERR_OK;
}

enum err_kind oci_wasm_check(struct str module, struct err *err)
{
    if (!str_eq(str_take(module, 4), str_of("\0asm", 4)))
        return err_set(
            err, ERR_INVALID, "it is not a WebAssembly binary (it does not begin with \\0asm)");
    /* Version field: 1 = core module; a component has layer 1 in its upper half
     * (component-model Binary.md, "preamble"). */
    struct str version = str_take(str_skip(module, 4), 4);
    if (version.n == 4 && version.p[2] == 1 && version.p[3] == 0)
        return err_set(
            err, ERR_INVALID,
            "it is a WebAssembly component; a controller is a core module "
            "(target wasm32-wasi or wasip1)");
    if (!str_eq(version, str_of("\1\0\0\0", 4)))
        return err_set(err, ERR_INVALID, "its WebAssembly version is not 1");
    struct cursor c = {.rest = str_skip(module, 8)};
    struct exports e = {0};
    enum err_kind r = check_sections(&c, &e, err);
    if (r != ERR_OK)
        return r;
    if (!e.has_start)
        return err_set(
            err, ERR_INVALID, "the module exports no function '_start': it is not a WASI command");
    if (!e.has_memory)
        return err_set(err, ERR_INVALID, "the module exports no memory named 'memory'");
    return ERR_OK;
}
