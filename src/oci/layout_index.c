#include "oci/layout_index.h"
#include "base/fs.h"
#include "base/mem.h"
#include "oci/digest.h"
#include "oci/layout_files.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define REF_NAME "org.opencontainers.image.ref.name"
#define INDEX_MAX ((size_t)16 << 20)
#define MARKER "{\"imageLayoutVersion\":\"1.0.0\"}"
#define EMPTY "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MEDIA_INDEX "\",\"manifests\":[]}"

enum err_kind
layout_index_read(const char *dir, struct buf *text, struct json_doc *doc, struct err *err)
{
    autofree char *path = fs_join(dir, "index.json");
    enum err_kind r = fs_read_file(path, INDEX_MAX, text, err);
    if (r == ERR_OK)
        r = json_parse(buf_view(text), JSON_STORED, doc, err);
    if (r == ERR_OK && !yyjson_is_arr(json_get(doc->root, "manifests")))
        r = err_set(err, ERR_INVALID, "it has no list of manifests");
    return r == ERR_OK ? r : err_wrap(err, "reading index.json of '%s'", dir);
}

/* One writer at a time (the lock), so the temporary file may always have the same name. */
static enum err_kind
write_file(const char *dir, const char *name, struct str bytes, unsigned mode, struct err *err)
{
    autofree char *path = fs_join(dir, name);
    autofree char *temp = fs_join(dir, "index.json.tmp");
    return fs_write_atomic_by(temp, path, bytes, mode, err);
}

void layout_index_sweep(const char *dir)
{
    autofree char *temp = fs_join(dir, "index.json.tmp");
    unlink(temp);
}

static enum err_kind
init_file(const char *dir, const char *name, struct str bytes, unsigned mode, struct err *err)
{
    autofree char *path = fs_join(dir, name);
    return fs_exists(path) ? ERR_OK : write_file(dir, name, bytes, mode, err);
}

enum err_kind layout_index_init(const char *dir, unsigned mode, struct err *err)
{
    autofree char *marker = fs_join(dir, "oci-layout");
    autofree char *index = fs_join(dir, "index.json");
    if (fs_exists(marker) && fs_exists(index))
        return ERR_OK;
    autoclose int lock = -1;
    enum err_kind r = layout_lock(dir, mode, LAYOUT_EXCLUSIVE, &lock, err);
    if (r == ERR_OK)
        r = init_file(dir, "index.json", STR(EMPTY), mode, err);
    /* Last: a directory with it is a layout, and a layout has an index. */
    return r == ERR_OK ? init_file(dir, "oci-layout", STR(MARKER), mode, err) : r;
}

struct str layout_index_name(yyjson_val *descriptor)
{
    return oci_annotation(json_get(descriptor, "annotations"), REF_NAME);
}

static bool is_digest(const char *name)
{
    return oci_digest_check(str_from(name), NULL) == ERR_OK;
}

static yyjson_val *find_entry(yyjson_val *manifests, const char *name)
{
    size_t i, n;
    yyjson_val *item;
    bool by_digest = name != NULL && is_digest(name);
    const char *wanted = name == NULL ? "latest" : name;
    yyjson_arr_foreach(manifests, i, n, item)
    {
        struct str key = by_digest ? json_str(json_get(item, "digest")) : layout_index_name(item);
        if (key.p != NULL && str_eqz(key, wanted))
            return item;
    }
    if (name == NULL && yyjson_arr_size(manifests) == 1)
        return yyjson_arr_get_first(manifests);
    return NULL;
}

enum err_kind
layout_index_find(const char *dir, const char *name, struct layout_entry *ret, struct err *err)
{
    autobuf struct buf text = {0};
    auto_json struct json_doc doc = {0};
    enum err_kind r = layout_index_read(dir, &text, &doc, err);
    if (r != ERR_OK)
        return r;
    yyjson_val *item = find_entry(json_get(doc.root, "manifests"), name);
    if (item == NULL && name == NULL)
        return err_set(err, ERR_NOT_FOUND, "no 'latest' in '%s', and not exactly one image", dir);
    if (item == NULL)
        return err_set(err, ERR_NOT_FOUND, "no '%s' in '%s'", name, dir);
    struct oci_descriptor d;
    r = oci_descriptor_parse(item, "the entry", &d, err);
    if (r != ERR_OK)
        return err_wrap(err, "index.json of '%s'", dir);
    *ret = (struct layout_entry){.size = d.size};
    memcpy(ret->digest, d.digest, sizeof(ret->digest));
    if (d.media_type.n < sizeof(ret->said_type))
        snprintf(ret->said_type, sizeof(ret->said_type), STR_FMT, STR_ARG(d.media_type));
    return ERR_OK;
}

static void add_member(struct buf *to, const char *key, const char *value)
{
    buf_printf(to, "\"%s\":", key);
    json_text_string(to, str_from(value));
}

static void write_entry(struct buf *to, const struct layout_entry *e)
{
    buf_char(to, '{');
    add_member(to, "mediaType", e->media_type);
    buf_char(to, ',');
    if (e->artifact_type != NULL && e->artifact_type[0] != '\0') {
        add_member(to, "artifactType", e->artifact_type);
        buf_char(to, ',');
    }
    add_member(to, "digest", e->digest);
    buf_printf(to, ",\"size\":%" PRIu64, e->size);
    /* A manifest known by its digest alone needs no name. */
    if (!is_digest(e->name)) {
        buf_text(to, ",\"annotations\":{");
        add_member(to, REF_NAME, e->name);
        buf_char(to, '}');
    }
    buf_char(to, '}');
}

/* Numbers are kept as they were written (the parser keeps them raw). */
static void write_value(struct buf *to, yyjson_val *val)
{
    size_t n;
    char *text = yyjson_val_write(val, YYJSON_WRITE_ALLOW_INVALID_UNICODE, &n);
    if (text == NULL)
        to->is_failed = true;
    else
        buf_add(to, text, n);
    free(text);
}

static bool is_replaced(yyjson_val *item, const struct layout_entry *e)
{
    struct str name = layout_index_name(item);
    if (is_digest(e->name))
        return name.p == NULL && str_eqz(json_str(json_get(item, "digest")), e->digest);
    return name.p != NULL && str_eqz(name, e->name);
}

/* What the next index has: the old one's entries without some, and perhaps a new one. */
struct next_index {
    yyjson_val *root;
    const struct layout_entry *added; /* NULL: none */
    const bool *is_dropped;           /* by position; NULL: none but what `added` replaces */
};

static bool is_kept(const struct next_index *next, yyjson_val *item, size_t position)
{
    if (next->is_dropped != NULL && next->is_dropped[position])
        return false;
    return next->added == NULL || !is_replaced(item, next->added);
}

static void write_manifests(struct buf *to, yyjson_val *list, const struct next_index *next)
{
    size_t i, n;
    yyjson_val *item;
    const char *comma = "";
    buf_char(to, '[');
    yyjson_arr_foreach(list, i, n, item)
    {
        if (!is_kept(next, item, i))
            continue;
        buf_text(to, comma);
        write_value(to, item);
        comma = ",";
    }
    if (next->added != NULL) {
        buf_text(to, comma);
        write_entry(to, next->added);
    }
    buf_char(to, ']');
}

static void write_root(struct buf *to, const struct next_index *next)
{
    size_t i, n;
    yyjson_val *key, *val;
    buf_char(to, '{');
    yyjson_obj_foreach(next->root, i, n, key, val)
    {
        if (i > 0)
            buf_char(to, ',');
        write_value(to, key);
        buf_char(to, ':');
        if (yyjson_equals_str(key, "manifests"))
            write_manifests(to, val, next);
        else
            write_value(to, val);
    }
    buf_char(to, '}');
}

static enum err_kind
write_index(const char *dir, const struct next_index *next, unsigned mode, struct err *err)
{
    autobuf struct buf written = {.max = INDEX_MAX};
    write_root(&written, next);
    enum err_kind r = buf_check(&written, "index.json", err);
    return r == ERR_OK ? write_file(dir, "index.json", buf_view(&written), mode, err) : r;
}

static enum err_kind
check_expected(yyjson_val *manifests, const struct layout_entry *e, struct err *err)
{
    if (e->expected == NULL)
        return ERR_OK;
    yyjson_val *item = find_entry(manifests, e->name);
    struct str digest = item == NULL ? STR("") : json_str(json_get(item, "digest"));
    if (str_eqz(digest, e->expected))
        return ERR_OK;
    return err_set(err, ERR_CONFLICT, "'%s' was changed by somebody else meanwhile", e->name);
}

enum err_kind
layout_index_set(const char *dir, const struct layout_entry *entry, unsigned mode, struct err *err)
{
    autoclose int lock = -1;
    autobuf struct buf text = {0};
    auto_json struct json_doc doc = {0};
    enum err_kind r = layout_lock(dir, mode, LAYOUT_EXCLUSIVE, &lock, err);
    if (r == ERR_OK)
        r = layout_index_read(dir, &text, &doc, err);
    if (r == ERR_OK)
        r = check_expected(json_get(doc.root, "manifests"), entry, err);
    struct next_index next = {.root = doc.root, .added = entry};
    return r == ERR_OK ? write_index(dir, &next, mode, err) : r;
}

enum err_kind layout_index_drop(
    const char *dir, yyjson_val *root, const bool *is_dropped, unsigned mode, struct err *err)
{
    struct next_index next = {.root = root, .is_dropped = is_dropped};
    return write_index(dir, &next, mode, err);
}
