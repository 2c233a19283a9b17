#include "oci/wasm.h"
#include "base/buf.h"
#include "base/mem.h"
#include "oci/digest.h"
#include "oci/wasm_names.h"

enum { SECTION_IMPORT = 2, SECTION_MEMORY = 5, SECTION_EXPORT = 7, SECTION_LAST = 13 };
enum { KIND_FUNC = 0, KIND_TABLE, KIND_MEMORY, KIND_GLOBAL, KIND_TAG, KIND_COUNT };
enum { LIMITS_MAX = 1, LIMITS_SHARED = 2, LIMITS_64 = 4 };
enum { PREAMBLE = 8, LEB32_MAX = 5, PAGES_MAX = 65536 };

/* --- values of the binary format ------------------------------------------------------------------ */

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

/* Unsigned LEB128 of at most `bits` bits: no byte more than these need, no bit behind them. */
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

static struct str take_name(struct cursor *c)
{
    size_t n = take_u32(c);
    if (n > c->rest.n) {
        c->is_torn = true;
        return str_of("", 0);
    }
    struct str bytes = str_take(c->rest, n);
    c->rest = str_skip(c->rest, n);
    return bytes;
}

struct limits {
    uint8_t flags;
    uint64_t min;
    uint64_t max; /* UINT64_MAX: none */
};

static struct limits take_limits(struct cursor *c)
{
    struct limits l = {.flags = take_byte(c), .max = UINT64_MAX};
    unsigned bits = (l.flags & LIMITS_64) != 0 ? 64 : 32;
    l.min = take_uint(c, bits);
    if ((l.flags & LIMITS_MAX) != 0)
        l.max = take_uint(c, bits);
    return l;
}

/* --- the sections that are looked into -------------------------------------------------------------- */

enum reader_state { IN_PREAMBLE, IN_SECTION_HEAD, IN_HELD_BODY, IN_SKIPPED_BODY };

struct oci_wasm_reader {
    enum reader_state state;
    char head[PREAMBLE]; /* the preamble, or what came of a section's id and length */
    size_t head_n;
    unsigned seen; /* one bit a section id: each but custom ones stands at most once */
    uint8_t id;
    uint32_t left; /* of the section */
    struct buf held;
    bool has_start;
    bool has_memory;
    struct oci_wasm_info info;
    size_t import_cap;
    size_t export_cap;
};

static enum err_kind add_name(
    char ***list, size_t *count, size_t *cap, char *take_text, const char *what, struct err *err)
{
    if (*count == OCI_WASM_NAMES_MAX) {
        free(take_text);
        return err_set(err, ERR_LIMIT, "the module has more than %d %s", OCI_WASM_NAMES_MAX, what);
    }
    mem_grow(list, *count, cap);
    (*list)[(*count)++] = take_text;
    return ERR_OK;
}

static enum err_kind check_import(struct str module, struct str name, uint8_t kind, struct err *err)
{
    char shown_module[OCI_SHOWN_MAX], shown_name[OCI_SHOWN_MAX];
    bool is_wasi = str_eqz(module, WASI_MODULE);
    if (is_wasi && kind == KIND_FUNC && wasi_name_is_known(name))
        return ERR_OK;
    return err_set(
        err, ERR_INVALID, "the module imports '%s' from '%s'; %s", oci_show(name, shown_name),
        oci_show(module, shown_module),
        is_wasi && kind == KIND_FUNC ? "that is no function of it"
                                     : "a controller may only import functions of " WASI_MODULE);
}

/* A type as it stands in an import; only functions get past check_import, so that of others no more
 * than the kind matters. */
static enum err_kind read_import(struct oci_wasm_reader *w, struct cursor *c, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    struct str module = take_name(c);
    struct str name = take_name(c);
    uint8_t kind = take_byte(c);
    if (c->is_torn)
        return ERR_OK;
    enum err_kind r = check_import(module, name, kind, err);
    if (r != ERR_OK)
        return r;
    take_u32(c);
    char *text = mem_printf(WASI_MODULE ".%s", oci_show(name, shown));
    return add_name(&w->info.imports, &w->info.import_count, &w->import_cap, text, "imports", err);
}

static enum err_kind read_export(struct oci_wasm_reader *w, struct cursor *c, struct err *err)
{
    static const char *const KINDS[KIND_COUNT] = {"func", "table", "memory", "global", "tag"};
    char shown[OCI_SHOWN_MAX];
    struct str name = take_name(c);
    uint8_t kind = take_byte(c);
    take_u32(c);
    if (kind >= KIND_COUNT)
        c->is_torn = true;
    if (c->is_torn)
        return ERR_OK;
    w->has_start |= kind == KIND_FUNC && str_eqz(name, "_start");
    w->has_memory |= kind == KIND_MEMORY && str_eqz(name, "memory");
    char *text = mem_printf("%s %s", KINDS[kind], oci_show(name, shown));
    return add_name(&w->info.exports, &w->info.export_count, &w->export_cap, text, "exports", err);
}

static enum err_kind read_memory(struct oci_wasm_reader *w, struct cursor *c, struct err *err)
{
    struct limits l = take_limits(c);
    if ((l.flags & LIMITS_SHARED) != 0)
        return err_set(
            err, ERR_INVALID, "the module has a shared memory: threads are not for a controller");
    if ((l.flags & LIMITS_64) != 0)
        return err_set(
            err, ERR_INVALID, "the module has a 64-bit memory (memory64); it must be wasm32");
    bool is_bad = (l.flags & ~LIMITS_MAX) != 0 || l.min > PAGES_MAX ||
        (l.max != UINT64_MAX && (l.max > PAGES_MAX || l.max < l.min));
    if (!c->is_torn && is_bad)
        return err_set(err, ERR_INVALID, "the limits of the module's memory are not valid");
    w->info.memory_min_pages = l.min;
    w->info.memory_max_pages = l.max;
    return ERR_OK;
}

static enum err_kind end_held(struct oci_wasm_reader *w, struct err *err)
{
    enum err_kind r = buf_check(&w->held, "a section of the module", err);
    if (r != ERR_OK)
        return r;
    struct cursor c = {.rest = buf_view(&w->held)};
    uint32_t count = take_u32(&c);
    if (w->id == SECTION_MEMORY && count > 1)
        return err_set(err, ERR_INVALID, "the module has %u memories; it must have one", count);
    for (uint32_t left = count; r == ERR_OK && left > 0 && !c.is_torn; left--) {
        if (w->id == SECTION_IMPORT)
            r = read_import(w, &c, err);
        else if (w->id == SECTION_EXPORT)
            r = read_export(w, &c, err);
        else
            r = read_memory(w, &c, err);
    }
    if (r == ERR_OK && (c.is_torn || c.rest.n > 0))
        r = err_set(err, ERR_INVALID, "section %u of the module is torn", w->id);
    buf_clear(&w->held);
    w->state = IN_SECTION_HEAD;
    return r;
}

/* --- the stream ------------------------------------------------------------------------------------- */

/* As soon as there are bytes enough to tell; at the end with fewer. */
static enum err_kind check_preamble(const struct oci_wasm_reader *w, struct err *err)
{
    struct str head = str_of(w->head, w->head_n);
    if (!str_eq(str_take(head, 4), str_of("\0asm", 4)))
        return err_set(
            err, ERR_INVALID, "it is not a WebAssembly binary (it does not begin with \\0asm)");
    /* Version field: 1 = core module; a component has layer 1 in its upper half
     * (component-model Binary.md, "preamble"). */
    struct str version = str_skip(head, 4);
    if (version.n == 4 && version.p[2] == 1 && version.p[3] == 0)
        return err_set(
            err, ERR_INVALID,
            "it is a WebAssembly component; a controller is a core module "
            "(target wasm32-wasi or wasip1)");
    if (!str_eq(version, str_of("\1\0\0\0", 4)))
        return err_set(err, ERR_INVALID, "its WebAssembly version is not 1");
    return ERR_OK;
}

static enum err_kind take_preamble_byte(struct oci_wasm_reader *w, char byte, struct err *err)
{
    w->head[w->head_n++] = byte;
    if (w->head_n == 4 && memcmp(w->head, "\0asm", 4) != 0)
        return check_preamble(w, err);
    if (w->head_n < PREAMBLE)
        return ERR_OK;
    enum err_kind r = check_preamble(w, err);
    w->state = IN_SECTION_HEAD;
    w->head_n = 0;
    return r;
}

static enum err_kind begin_section(struct oci_wasm_reader *w, struct err *err)
{
    if (w->id > SECTION_LAST || (w->id != 0 && (w->seen & 1U << w->id) != 0))
        return err_set(err, ERR_INVALID, "the module has an unknown or repeated section %u", w->id);
    w->seen |= 1U << w->id;
    bool is_held = w->id == SECTION_IMPORT || w->id == SECTION_MEMORY || w->id == SECTION_EXPORT;
    if (is_held && w->left > OCI_WASM_SECTION_MAX)
        return err_set(
            err, ERR_LIMIT, "section %u of the module has %u bytes, more than %zu", w->id, w->left,
            OCI_WASM_SECTION_MAX);
    w->state = is_held ? IN_HELD_BODY : IN_SKIPPED_BODY;
    if (w->left > 0)
        return ERR_OK;
    if (is_held)
        return end_held(w, err);
    w->state = IN_SECTION_HEAD;
    return ERR_OK;
}

/* Id, then the length as LEB128: complete with the first byte below 0x80. */
static enum err_kind take_head_byte(struct oci_wasm_reader *w, char byte, struct err *err)
{
    w->head[w->head_n++] = byte;
    bool is_more = w->head_n == 1 || ((uint8_t)byte & 0x80) != 0;
    if (is_more && w->head_n < 1 + LEB32_MAX)
        return ERR_OK;
    struct cursor c = {.rest = str_of(w->head, w->head_n)};
    w->id = take_byte(&c);
    w->left = take_u32(&c);
    w->head_n = 0;
    if (c.is_torn)
        return err_set(err, ERR_INVALID, "the length of section %u of the module is torn", w->id);
    return begin_section(w, err);
}

static enum err_kind take_body(struct oci_wasm_reader *w, const char *p, size_t n, struct err *err)
{
    bool is_held = w->state == IN_HELD_BODY;
    if (is_held)
        buf_add(&w->held, p, n);
    w->left -= (uint32_t)n;
    if (w->left > 0)
        return ERR_OK;
    if (is_held)
        return end_held(w, err);
    w->state = IN_SECTION_HEAD;
    return ERR_OK;
}

enum err_kind oci_wasm_add(struct oci_wasm_reader *w, const char *p, size_t n, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < n;) {
        if (w->state == IN_PREAMBLE) {
            r = take_preamble_byte(w, p[i++], err);
        } else if (w->state == IN_SECTION_HEAD) {
            r = take_head_byte(w, p[i++], err);
        } else {
            size_t take = n - i < w->left ? n - i : w->left;
            r = take_body(w, p + i, take, err);
            i += take;
        }
    }
    return r;
}

static enum err_kind check_end(const struct oci_wasm_reader *w, struct err *err)
{
    if (w->state == IN_PREAMBLE)
        return check_preamble(w, err);
    if (w->state != IN_SECTION_HEAD || w->head_n > 0)
        return err_set(err, ERR_INVALID, "the module ends in the middle of a section");
    if (!w->has_start)
        return err_set(
            err, ERR_INVALID, "the module exports no function '_start': it is not a WASI command");
    if (!w->has_memory)
        return err_set(err, ERR_INVALID, "the module exports no memory named 'memory'");
    return ERR_OK;
}

enum err_kind
oci_wasm_end(struct oci_wasm_reader *w, struct oci_wasm_info *ret_info, struct err *err)
{
    enum err_kind r = check_end(w, err);
    if (r != ERR_OK || ret_info == NULL)
        return r;
    *ret_info = w->info;
    w->info = (struct oci_wasm_info){0};
    return ERR_OK;
}

/* --- life ------------------------------------------------------------------------------------------- */

struct oci_wasm_reader *oci_wasm_reader_new(void)
{
    struct oci_wasm_reader *w = mem_new(struct oci_wasm_reader);
    w->held.max = OCI_WASM_SECTION_MAX;
    w->info.memory_max_pages = UINT64_MAX;
    return w;
}

struct oci_wasm_reader *oci_wasm_reader_free(struct oci_wasm_reader *w)
{
    if (w != NULL) {
        buf_deinit(&w->held);
        oci_wasm_info_deinit(&w->info);
    }
    free(w);
    return NULL;
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

void oci_wasm_info_deinit(struct oci_wasm_info *info)
{
    if (info == NULL)
        return;
    free_names(info->imports, info->import_count);
    free_names(info->exports, info->export_count);
    *info = (struct oci_wasm_info){0};
}

enum err_kind oci_wasm_check(struct str module, struct oci_wasm_info *ret_info, struct err *err)
{
    autorelease(oci_wasm_reader_free) struct oci_wasm_reader *w = oci_wasm_reader_new();
    enum err_kind r = oci_wasm_add(w, module.p, module.n, err);
    return r == ERR_OK ? oci_wasm_end(w, ret_info, err) : r;
}
