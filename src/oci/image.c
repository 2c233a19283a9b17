#include "base/glob.h"
#include "base/mem.h"
#include "oci/definition.h"
#include "oci/format.h"
#include "oci/internal.h"

#include <inttypes.h>
#include <stdio.h>

enum { UNTYPED_CHILDREN_MAX = 16, GLOBS_MAX = 1000, CONFIG_MAX = 1 << 20 };

static void free_list(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

void oci_image_deinit(struct oci_image *image)
{
    if (image == NULL)
        return;
    free(image->manifest);
    free(image->name);
    free(image->abi);
    free(image->kinds);
    free(image->verbs);
    free_list(image->read_globs);
    free_list(image->write_globs);
    for (size_t i = 0; i < image->definition_count; i++) {
        free(image->definitions[i].title);
        free(image->definitions[i].bytes);
    }
    free(image->definitions);
    *image = (struct oci_image){0};
}

void oci_read_image_deinit(struct oci_read_image *r)
{
    apart_deinit(&r->schemas);
    oci_manifest_deinit(&r->manifest);
    oci_manifest_deinit(&r->index);
    oci_raw_deinit(&r->raw);
    oci_raw_deinit(&r->child);
}

/* --- annotations ------------------------------------------------------------------------------------ */

static bool is_name_edge(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

enum err_kind oci_check_controller_name(struct str name, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    bool is_good =
        name.n >= 1 && name.n <= 63 && is_name_edge(name.p[0]) && is_name_edge(name.p[name.n - 1]);
    for (size_t i = 0; is_good && i < name.n; i++)
        is_good = is_name_edge(name.p[i]) || name.p[i] == '-' || name.p[i] == '.';
    if (is_good)
        return ERR_OK;
    return err_set(
        err, ERR_INVALID,
        "controller name '%s' is not 1 to 63 of a-z, 0-9, '-' and '.', beginning and ending with a "
        "letter or digit",
        oci_show(name, shown));
}

static enum err_kind read_globs(yyjson_val *list, const char *which, char ***ret, struct err *err)
{
    if (list == NULL)
        return ERR_OK;
    size_t n = yyjson_arr_size(list);
    if (!yyjson_is_arr(list) || n > GLOBS_MAX)
        return err_set(
            err, ERR_INVALID, "'%s' is not a list of at most %d globs", which, GLOBS_MAX);
    free_list(*ret);
    *ret = mem_alloc((n + 1) * sizeof(char *));
    for (size_t i = 0; i < n; i++) {
        struct str glob = json_str(yyjson_arr_get(list, i));
        enum err_kind r = glob_check(glob, err);
        if (r != ERR_OK)
            return err_wrap(err, "'%s'", which);
        (*ret)[i] = mem_strdup_str(glob);
    }
    return ERR_OK;
}

static char **one_glob(const char *glob)
{
    char **list = mem_alloc(2 * sizeof(char *));
    list[0] = mem_strdup(glob);
    return list;
}

static enum err_kind read_paths(struct str text, struct oci_image *image, struct err *err)
{
    image->read_globs = one_glob("**");
    image->write_globs = one_glob("**");
    if (text.p == NULL)
        return ERR_OK;
    auto_json struct json_doc doc = {0};
    enum err_kind r = json_parse(text, JSON_STRICT, &doc, err);
    if (r == ERR_MALFORMED)
        r = err_as(err, ERR_INVALID);
    if (r == ERR_OK && !yyjson_is_obj(doc.root))
        r = err_set(err, ERR_INVALID, "it is not an object");
    if (r == ERR_OK)
        r = read_globs(json_get(doc.root, "read"), "read", &image->read_globs, err);
    if (r == ERR_OK)
        r = read_globs(json_get(doc.root, "write"), "write", &image->write_globs, err);
    return r == ERR_OK ? r : err_wrap(err, "annotation " OCI_ANNOTATION_PATHS);
}

static char *dup_or_null(struct str s)
{
    return s.p == NULL ? NULL : mem_strdup_str(s);
}

static enum err_kind
read_annotations(yyjson_val *annotations, struct oci_image *image, struct err *err)
{
    struct str name = oci_annotation(annotations, OCI_ANNOTATION_NAME);
    struct str abi = oci_annotation(annotations, OCI_ANNOTATION_ABI);
    if (name.p == NULL && image->format == OCI_FORMAT_CUP)
        return err_set(err, ERR_INVALID, "it has no annotation " OCI_ANNOTATION_NAME);
    enum err_kind r = name.p != NULL ? oci_check_controller_name(name, err) : ERR_OK;
    if (r != ERR_OK)
        return r;
    if (abi.p != NULL && !str_eqz(abi, OCI_ABI)) {
        char shown[OCI_SHOWN_MAX];
        return err_set(
            err, ERR_INVALID, "its abi is '%s'; this cup knows '" OCI_ABI "'",
            oci_show(abi, shown));
    }
    image->name = dup_or_null(name);
    image->abi = mem_strdup(OCI_ABI);
    image->kinds = dup_or_null(oci_annotation(annotations, OCI_ANNOTATION_KINDS));
    image->verbs = dup_or_null(oci_annotation(annotations, OCI_ANNOTATION_VERBS));
    return read_paths(oci_annotation(annotations, OCI_ANNOTATION_PATHS), image, err);
}

/* --- layers ----------------------------------------------------------------------------------------- */

static enum err_kind
read_wasm_annotations(const struct oci_descriptor *d, struct oci_image *image, struct err *err)
{
    struct str digest = oci_annotation(d->annotations, OCI_ANNOTATION_WASM_DIGEST);
    struct str size = oci_annotation(d->annotations, OCI_ANNOTATION_WASM_SIZE);
    if (digest.p != NULL) {
        enum err_kind r = oci_digest_check(digest, err);
        if (r != ERR_OK)
            return err_wrap(err, "layer %s: " OCI_ANNOTATION_WASM_DIGEST, d->digest);
        memcpy(image->wasm_digest, digest.p, digest.n);
    }
    char shown[OCI_SHOWN_MAX];
    if (size.p != NULL && (!str_to_u64(size, &image->wasm_bytes) || image->wasm_bytes == 0))
        return err_set(
            err, ERR_INVALID, "layer %s: " OCI_ANNOTATION_WASM_SIZE " '%s' is not a size",
            d->digest, oci_show(size, shown));
    if (image->wasm_bytes > OCI_WASM_MAX)
        return err_set(
            err, ERR_LIMIT, "layer %s: a module of %" PRIu64 " bytes is over the limit of %" PRIu64,
            d->digest, image->wasm_bytes, OCI_WASM_MAX);
    return ERR_OK;
}

static enum err_kind
take_content(const struct oci_descriptor *d, struct oci_image *image, struct err *err)
{
    if (image->content_digest[0] != '\0')
        return err_set(
            err, ERR_INVALID, "layer %s is a second content layer, beside %s", d->digest,
            image->content_digest);
    if (d->size > OCI_LAYER_MAX)
        return err_set(
            err, ERR_LIMIT, "layer %s: %" PRIu64 " bytes are over the limit of %" PRIu64, d->digest,
            d->size, OCI_LAYER_MAX);
    memcpy(image->content_digest, d->digest, sizeof(image->content_digest));
    image->content_bytes = d->size;
    return read_wasm_annotations(d, image, err);
}

/* Who serves the image does not look at it, so a second one is no error before somebody wants it. */
static void note_tests(const struct oci_manifest *m, struct oci_image *image)
{
    size_t count = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (!str_eqz(m->items[i].media_type, OCI_MEDIA_TESTS) || count++ > 0)
            continue;
        memcpy(image->tests_digest, m->items[i].digest, sizeof(image->tests_digest));
        image->tests_bytes = m->items[i].size;
    }
    if (count != 1)
        image->tests_digest[0] = '\0';
}

/* Which layer is what. Layers of types unknown to us are left alone (docs/image-format.md, read rules). */
static enum err_kind
sort_layers(const struct oci_manifest *m, struct oci_image *image, struct err *err)
{
    size_t resources = 0;
    for (size_t i = 0; i < m->count; i++) {
        const struct oci_descriptor *d = &m->items[i];
        bool is_content = oci_format_is_content(image->format, d->media_type);
        enum err_kind r = is_content ? take_content(d, image, err) : ERR_OK;
        if (r != ERR_OK)
            return r;
        resources += str_eqz(d->media_type, OCI_MEDIA_RESOURCE);
    }
    if (image->format == OCI_FORMAT_CUP)
        note_tests(m, image);
    if (image->content_digest[0] == '\0')
        return err_set(err, ERR_INVALID, "it has no content layer (" OCI_MEDIA_CONTENT ")");
    if (resources == 0 && image->format == OCI_FORMAT_CUP)
        return err_set(err, ERR_INVALID, "it has no resource layer (" OCI_MEDIA_RESOURCE ")");
    if (resources > OCI_DEFINITIONS_MAX)
        return err_set(
            err, ERR_LIMIT, "it has %zu definitions, more than %d", resources, OCI_DEFINITIONS_MAX);
    return ERR_OK;
}

struct loaded {
    struct oci_definition definition;
    struct oci_definition_info info;
};

static enum err_kind load_definition(
    struct oci_place *place, const struct oci_descriptor *d, struct loaded *ret, struct err *err)
{
    autobuf struct buf bytes = {0};
    if (d->size > OCI_DEFINITION_MAX)
        return err_set(
            err, ERR_LIMIT, "layer %s: a definition of %" PRIu64 " bytes is over the limit of %zu",
            d->digest, d->size, OCI_DEFINITION_MAX);
    enum err_kind r = oci_place_read_all(place, d, &bytes, err);
    if (r != ERR_OK)
        return r;
    r = oci_definition_read(buf_view(&bytes), &ret->info, err);
    if (r != ERR_OK)
        return err_wrap(err, "layer %s", d->digest);
    struct str title = oci_annotation(d->annotations, OCI_ANNOTATION_TITLE);
    ret->definition.n = bytes.n;
    ret->definition.bytes = buf_steal(&bytes);
    memcpy(ret->definition.digest, d->digest, OCI_DIGEST_MAX);
    ret->definition.title = title.p != NULL
        ? mem_strdup_str(title)
        : mem_printf("%s.%s.json", ret->info.plural, ret->info.group);
    return ERR_OK;
}

static int by_name(const void *a, const void *b)
{
    const struct loaded *x = a, *y = b;
    return strcmp(x->info.name, y->info.name);
}

static enum err_kind check_twins(const struct loaded *all, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(all[i].info.group, all[k].info.group) != 0 ||
                strcmp(all[i].info.plural, all[k].info.plural) != 0)
                continue;
            return err_set(
                err, ERR_INVALID, "layers %s and %s both define %s.%s", all[k].definition.digest,
                all[i].definition.digest, all[i].info.plural, all[i].info.group);
        }
    }
    return ERR_OK;
}

static enum err_kind load_definitions(
    struct oci_place *place, const struct oci_manifest *m, struct oci_image *image, struct err *err)
{
    struct loaded *all = mem_realloc_array(NULL, m->count, sizeof(*all));
    size_t n = 0;
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < m->count; i++) {
        if (!str_eqz(m->items[i].media_type, OCI_MEDIA_RESOURCE))
            continue;
        all[n] = (struct loaded){0};
        r = load_definition(place, &m->items[i], &all[n], err);
        n += r == ERR_OK;
    }
    if (r == ERR_OK)
        r = check_twins(all, n, err);
    qsort(all, n, sizeof(*all), by_name);
    image->definitions = mem_alloc(n * sizeof(*image->definitions));
    image->definition_count = n;
    for (size_t i = 0; i < n; i++) {
        image->definitions[i] = all[i].definition;
        oci_definition_info_deinit(&all[i].info);
    }
    free(all);
    return r;
}

static enum err_kind check_schemas(const void *data, struct err *err)
{
    const struct oci_image *image = data;
    for (size_t i = 0; i < image->definition_count; i++) {
        const struct oci_definition *d = &image->definitions[i];
        enum err_kind r = oci_definition_check_schemas(str_of(d->bytes, d->n), err);
        if (r != ERR_OK)
            return err_wrap(err, "layer %s", d->digest);
    }
    return ERR_OK;
}

/* --- manifest, index ---------------------------------------------------------------------------------- */

/* distribution-spec, "Pulling manifests": what the registry calls it and what it calls itself agree. */
enum err_kind oci_raw_parse(const struct oci_raw *raw, struct oci_manifest *ret, struct err *err)
{
    enum err_kind r = oci_manifest_parse(buf_view(&raw->bytes), ret, err);
    struct str said = str_from(raw->media_type);
    if (r == ERR_OK && said.n > 0 && ret->media_type.p != NULL && !str_eq(said, ret->media_type)) {
        char shown[OCI_SHOWN_MAX], own[OCI_SHOWN_MAX];
        r = err_set(
            err, ERR_INVALID, "ambiguous manifest: it came as '%s', and its mediaType is '%s'",
            oci_show(said, shown), oci_show(ret->media_type, own));
        oci_manifest_deinit(ret);
    }
    return r == ERR_OK ? r : err_wrap(err, "%s", raw->digest);
}

bool oci_manifest_is_said(const struct oci_manifest *m, struct str said)
{
    if (said.n > 0 && m->is_index != oci_media_is_index(said))
        return false;
    return said.n == 0 || m->media_type.p == NULL || str_eq(m->media_type, said);
}

static enum err_kind read_child(
    struct oci_place *place,
    const struct oci_descriptor *d,
    struct oci_raw *raw,
    struct oci_manifest *ret,
    struct err *err)
{
    if (d->size > OCI_MANIFEST_MAX)
        return err_set(
            err, ERR_LIMIT, "manifest %s: %" PRIu64 " bytes are over the limit of %" PRIu64,
            d->digest, d->size, OCI_MANIFEST_MAX);
    enum err_kind r = oci_place_manifest(place, d->digest, raw, err);
    if (r == ERR_OK && raw->bytes.n != d->size)
        r = err_set(
            err, ERR_UNVERIFIED, "%s: size mismatch: descriptor %" PRIu64 ", got %zu", d->digest,
            d->size, raw->bytes.n);
    if (r == ERR_OK)
        r = oci_raw_parse(raw, ret, err);
    if (r == ERR_OK && (!oci_manifest_is_said(ret, d->media_type)))
        r = err_set(
            err, ERR_INVALID,
            "ambiguous manifest: the index says that %s is another type of document", d->digest);
    if (r != ERR_OK) {
        oci_manifest_deinit(ret);
        oci_raw_deinit(raw);
        *raw = (struct oci_raw){0};
    }
    return r;
}

/* One entry of an index: ours or not? Many tools leave artifactType out of the entry, so an untyped
 * manifest is looked into. */
static enum err_kind consider_child(
    struct oci_place *place,
    const struct oci_descriptor *d,
    unsigned *looked,
    unsigned *found,
    struct oci_read_image *read,
    struct err *err)
{
    bool is_typed = d->artifact_type.p != NULL;
    if (!oci_media_is_manifest(d->media_type) ||
        (is_typed && !str_eqz(d->artifact_type, OCI_ARTIFACT_TYPE)))
        return ERR_OK;
    if (!is_typed && ++*looked > UNTYPED_CHILDREN_MAX)
        return err_set(
            err, ERR_LIMIT, "the index has more than %d manifests without artifactType",
            UNTYPED_CHILDREN_MAX);
    auto_oci_raw struct oci_raw raw = {0};
    auto_oci_manifest struct oci_manifest m = {0};
    enum err_kind r = read_child(place, d, &raw, &m, err);
    if (r != ERR_OK || !str_eqz(m.artifact_type, OCI_ARTIFACT_TYPE))
        return r;
    if (++*found > 1)
        return ERR_OK;
    read->child = raw;
    read->manifest = m;
    raw = (struct oci_raw){0};
    m = (struct oci_manifest){0};
    return ERR_OK;
}

/* An index in an index is not looked into: nothing bounds how deep that goes (image-spec allows it). */
static enum err_kind
refuse_index(const struct oci_read_image *read, unsigned found, struct err *err)
{
    for (size_t i = 0; found == 0 && i < read->index.count; i++) {
        if (oci_media_is_index(read->index.items[i].media_type))
            return err_set(
                err, ERR_INVALID, "index nesting > 1: %s is an index in the index %s",
                read->index.items[i].digest, read->raw.digest);
    }
    return err_set(
        err, ERR_INVALID,
        "%s is an index with %u manifests of a controller; it must be exactly one",
        read->raw.digest, found);
}

static enum err_kind
follow_index(struct oci_place *place, struct oci_read_image *read, struct err *err)
{
    unsigned looked = 0, found = 0;
    for (size_t i = 0; i < read->index.count; i++) {
        enum err_kind r = consider_child(place, &read->index.items[i], &looked, &found, read, err);
        if (r != ERR_OK)
            return r;
    }
    return found == 1 ? ERR_OK : refuse_index(read, found, err);
}

static enum err_kind resolve(struct oci_place *place, struct oci_read_image *read, struct err *err)
{
    enum err_kind r = oci_place_manifest(place, NULL, &read->raw, err);
    struct oci_manifest m = {0};
    if (r == ERR_OK)
        r = oci_raw_parse(&read->raw, &m, err);
    if (r != ERR_OK)
        return r;
    read->has_index = m.is_index;
    if (!m.is_index) {
        read->manifest = m;
        return ERR_OK;
    }
    read->index = m;
    return follow_index(place, read, err);
}

/* The CNCF layout says in its config what the module is made for: a component is known before it is
 * fetched. Anything else that stands there is not ours to judge. */
static enum err_kind
check_os(struct oci_place *place, const struct oci_descriptor *config, struct err *err)
{
    autobuf struct buf text = {0};
    auto_json struct json_doc doc = {0};
    if (config->size > CONFIG_MAX)
        return err_set(
            err, ERR_LIMIT, "config %s: %" PRIu64 " bytes are over the limit of %d", config->digest,
            config->size, CONFIG_MAX);
    enum err_kind r = oci_place_read_all(place, config, &text, err);
    if (r != ERR_OK)
        return r;
    if (json_parse(buf_view(&text), JSON_STORED, &doc, NULL) != ERR_OK ||
        !str_eqz(json_str(json_get(doc.root, "os")), "wasip2"))
        return ERR_OK;
    return err_set(
        err, ERR_INVALID,
        "config %s: its module is a WebAssembly component (os wasip2); a controller is a core "
        "module "
        "(target wasm32-wasi or wasip1)",
        config->digest);
}

static enum err_kind fill_image(
    struct oci_place *place,
    const struct oci_read_image *read,
    struct oci_image *image,
    struct err *err)
{
    const struct oci_raw *own = read->has_index ? &read->child : &read->raw;
    memcpy(image->digest, read->raw.digest, OCI_DIGEST_MAX);
    memcpy(image->manifest_digest, own->digest, OCI_DIGEST_MAX);
    image->manifest = mem_strdup_str(buf_view(&own->bytes));
    image->manifest_bytes = own->bytes.n;
    enum err_kind r = oci_format_find(&read->manifest, &image->format, err);
    if (r == ERR_OK && image->format == OCI_FORMAT_CNCF)
        r = check_os(place, &read->manifest.config, err);
    if (r == ERR_OK)
        r = read_annotations(read->manifest.annotations, image, err);
    if (r == ERR_OK)
        r = sort_layers(&read->manifest, image, err);
    if (r == ERR_OK && image->format == OCI_FORMAT_CUP)
        r = load_definitions(place, &read->manifest, image, err);
    return r;
}

void oci_image_name_after(struct oci_image *image, const struct oci_ref *ref)
{
    const char *text = ref->kind == OCI_REF_LAYOUT ? ref->path : ref->repository;
    struct str name = str_from(text);
    while (str_ends(name, STR("/")))
        name.n--;
    name = str_skip(name, (size_t)(str_rfind(name, '/') + 1));
    if (image->name == NULL && oci_check_controller_name(name, NULL) == ERR_OK)
        image->name = mem_strdup_str(name);
}

enum err_kind oci_image_read_ahead(
    struct oci_place *place,
    struct oci_read_image *ret_read,
    struct oci_image *ret,
    struct err *err)
{
    struct oci_read_image read = {0};
    struct oci_image image = {0};
    enum err_kind r = resolve(place, &read, err);
    if (r == ERR_OK)
        r = fill_image(place, &read, &image, err);
    if (r != ERR_OK) {
        oci_read_image_deinit(&read);
        oci_image_deinit(&image);
        return err_wrap(err, "%s", place->shown);
    }
    *ret_read = read;
    *ret = image;
    if (image.definition_count > 0)
        apart_begin(&ret_read->schemas, check_schemas, ret);
    return ERR_OK;
}

enum err_kind oci_image_read(
    struct oci_place *place,
    struct oci_read_image *ret_read,
    struct oci_image *ret,
    struct err *err)
{
    enum err_kind r = oci_image_read_ahead(place, ret_read, ret, err);
    if (r != ERR_OK)
        return r;
    r = apart_end(&ret_read->schemas, err);
    if (r == ERR_OK)
        return r;
    oci_read_image_deinit(ret_read);
    *ret_read = (struct oci_read_image){0};
    oci_image_deinit(ret);
    return err_wrap(err, "%s", place->shown);
}
