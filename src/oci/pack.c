#include "oci/pack.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/glob.h"
#include "base/mem.h"
#include "oci/archive.h"
#include "oci/compat.h"
#include "oci/definition.h"
#include "oci/internal.h"
#include "oci/tests_layer.h"
#include "oci/wasm.h"

#include <inttypes.h>

#define MTIME_MAX INT64_C(077777777777) /* 11 octal digits of a ustar header */

struct packed_definition {
    struct oci_definition_info info;
    struct buf bytes;
    const char *path;
    char digest[OCI_DIGEST_MAX];
};

struct packing {
    const struct oci_pack_input *input;
    char *name;
    struct buf wasm;
    struct buf layer;
    char wasm_digest[OCI_DIGEST_MAX];
    char layer_digest[OCI_DIGEST_MAX];
    struct buf tests;
    char tests_digest[OCI_DIGEST_MAX];
    struct packed_definition *definitions;
    size_t definition_count;
    char **annotations; /* "K=V", sorted by key */
    size_t annotation_count;
};

static void packing_deinit(struct packing *p)
{
    free(p->name);
    buf_deinit(&p->wasm);
    buf_deinit(&p->layer);
    buf_deinit(&p->tests);
    for (size_t i = 0; i < p->definition_count; i++) {
        oci_definition_info_deinit(&p->definitions[i].info);
        buf_deinit(&p->definitions[i].bytes);
    }
    free(p->definitions);
    free(p->annotations);
}

/* --- checking ------------------------------------------------------------------------------------- */

static enum err_kind take_name(struct packing *p, struct err *err)
{
    if (p->input->name != NULL) {
        p->name = mem_strdup(p->input->name);
        return oci_check_controller_name(str_from(p->name), err);
    }
    struct str file = str_from(p->input->wasm_path);
    file = str_skip(file, (size_t)(str_rfind(file, '/') + 1));
    if (str_ends(file, STR(".wasm")))
        file.n -= strlen(".wasm");
    p->name = mem_strdup_str(file);
    enum err_kind r = oci_check_controller_name(file, err);
    return r == ERR_OK ? r : err_wrap(err, "the file's name is no name for it; give one");
}

static enum err_kind take_wasm(struct packing *p, struct err *err)
{
    enum err_kind r = fs_read_file(p->input->wasm_path, OCI_WASM_MAX, &p->wasm, err);
    if (r != ERR_OK)
        return r;
    r = oci_wasm_check(buf_view(&p->wasm), NULL, err);
    if (r != ERR_OK)
        return err_wrap(err, "'%s'", p->input->wasm_path);
    oci_digest_of(buf_view(&p->wasm), p->wasm_digest);
    return ERR_OK;
}

static int by_definition_name(const void *a, const void *b)
{
    const struct packed_definition *x = a, *y = b;
    return strcmp(x->info.name, y->info.name);
}

static enum err_kind check_twins(const struct packing *p, struct err *err)
{
    for (size_t i = 0; i < p->definition_count; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct packed_definition *a = &p->definitions[k], *b = &p->definitions[i];
            bool is_same_kind = strcmp(a->info.group, b->info.group) == 0 &&
                strcmp(a->info.plural, b->info.plural) == 0;
            if (is_same_kind || strcmp(a->info.name, b->info.name) == 0)
                return err_set(
                    err, ERR_INVALID, "'%s' and '%s' both define %s.%s", a->path, b->path,
                    b->info.plural, b->info.group);
        }
    }
    return ERR_OK;
}

static enum err_kind take_definitions(struct packing *p, struct err *err)
{
    size_t n = p->input->definition_count;
    if (n == 0)
        return err_set(err, ERR_INVALID, "an image needs at least one definition");
    if (n > OCI_DEFINITIONS_MAX)
        return err_set(err, ERR_LIMIT, "%zu definitions are more than %d", n, OCI_DEFINITIONS_MAX);
    p->definitions = mem_alloc(n * sizeof(*p->definitions));
    for (; p->definition_count < n; p->definition_count++) {
        struct packed_definition *d = &p->definitions[p->definition_count];
        d->path = p->input->definition_paths[p->definition_count];
        enum err_kind r = fs_read_file(d->path, OCI_DEFINITION_MAX, &d->bytes, err);
        if (r == ERR_OK) {
            r = oci_definition_check(buf_view(&d->bytes), &d->info, err);
            if (r != ERR_OK)
                err_wrap(err, "'%s'", d->path);
        }
        if (r != ERR_OK) {
            buf_deinit(&d->bytes);
            return r;
        }
        oci_digest_of(buf_view(&d->bytes), d->digest);
    }
    qsort(p->definitions, n, sizeof(*p->definitions), by_definition_name);
    return check_twins(p, err);
}

static enum err_kind check_globs(const char *const *globs, const char *which, struct err *err)
{
    for (size_t i = 0; globs != NULL && globs[i] != NULL; i++) {
        enum err_kind r = glob_check(str_from(globs[i]), err);
        if (r != ERR_OK)
            return err_wrap(err, "%s glob '%s'", which, globs[i]);
    }
    return ERR_OK;
}

/* docs/image-format.md section 4: what a controller can be asked. */
static enum err_kind check_verbs(const char *verbs, struct err *err)
{
    static const char *const known[] = {"get", "list", "put", "delete", "namespaces"};
    struct str rest = str_from(verbs);
    while (rest.p != NULL) {
        char shown[OCI_SHOWN_MAX];
        struct str verb = str_cut(&rest, ',');
        bool is_known = false;
        for (size_t i = 0; i < ARRAY_LEN(known); i++)
            is_known |= str_eqz(verb, known[i]);
        if (!is_known)
            return err_set(
                err, ERR_INVALID,
                "verb '%s' is none of get, list, put, delete and namespaces (with commas between)",
                oci_show(verb, shown));
    }
    return ERR_OK;
}

static struct str key_of(const char *annotation)
{
    struct str rest = str_from(annotation);
    return str_cut(&rest, '=');
}

static int by_key(const void *a, const void *b)
{
    return str_cmp(key_of(*(char *const *)a), key_of(*(char *const *)b));
}

static enum err_kind take_annotation(struct packing *p, char *text, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    struct str key = key_of(text);
    oci_show(str_from(text), shown);
    if (key.n == 0 || strchr(text, '=') == NULL)
        return err_set(err, ERR_INVALID, "annotation '%s' is not of the form key=value", shown);
    if (!str_is_utf8(str_from(text)))
        return err_set(err, ERR_INVALID, "annotation '%s' is not UTF-8", shown);
    if (str_starts(key, STR(OCI_ANNOTATION_PREFIX)))
        return err_set(
            err, ERR_INVALID,
            "annotation '%s': names under " OCI_ANNOTATION_PREFIX " are cup's own", shown);
    p->annotations[p->annotation_count++] = text;
    return ERR_OK;
}

static enum err_kind take_annotations(struct packing *p, struct err *err)
{
    size_t n = 0;
    while (p->input->annotations != NULL && p->input->annotations[n] != NULL)
        n++;
    p->annotations = mem_alloc((n + 1) * sizeof(char *));
    for (size_t i = 0; i < n; i++) {
        /* Only read; the array is sorted, its texts are the caller's. */
        char *text = (char *)(uintptr_t)p->input->annotations[i];
        enum err_kind r = take_annotation(p, text, err);
        if (r != ERR_OK)
            return r;
    }
    qsort(p->annotations, n, sizeof(char *), by_key);
    for (size_t i = 1; i < n; i++) {
        if (str_eq(key_of(p->annotations[i - 1]), key_of(p->annotations[i])))
            return err_set(
                err, ERR_INVALID, "annotation '" STR_FMT "' is given twice",
                STR_ARG(key_of(p->annotations[i])));
    }
    return ERR_OK;
}

static enum err_kind take_tests(struct packing *p, int64_t mtime, struct err *err)
{
    if (p->input->test_count == 0)
        return ERR_OK;
    enum err_kind r = oci_tests_pack(p->input->tests, p->input->test_count, mtime, &p->tests, err);
    oci_digest_of(buf_view(&p->tests), p->tests_digest);
    return r == ERR_OK ? r : err_wrap(err, "the golden cases");
}

static enum err_kind gather(struct packing *p, struct err *err)
{
    int64_t date = p->input->source_date_unix_s;
    if (date > MTIME_MAX)
        return err_set(err, ERR_INVALID, "source date %" PRId64 " is out of range", date);
    enum err_kind r = take_name(p, err);
    if (r == ERR_OK)
        r = check_globs(p->input->read_globs, "read", err);
    if (r == ERR_OK)
        r = check_globs(p->input->write_globs, "write", err);
    if (r == ERR_OK)
        r = check_verbs(p->input->verbs, err);
    if (r == ERR_OK)
        r = take_annotations(p, err);
    if (r == ERR_OK)
        r = take_definitions(p, err);
    if (r == ERR_OK)
        r = take_wasm(p, err);
    if (r == ERR_OK)
        r = take_tests(p, date < 0 ? 0 : date, err);
    if (r != ERR_OK)
        return r;
    r = oci_archive_pack(buf_view(&p->wasm), date < 0 ? 0 : date, &p->layer, err);
    oci_digest_of(buf_view(&p->layer), p->layer_digest);
    return r;
}

/* --- the manifest ------------------------------------------------------------------------------------ */

static void add_text(struct buf *to, struct str key, struct str value)
{
    if (to->p[to->n - 1] != '{')
        buf_char(to, ',');
    json_text_string(to, key);
    buf_char(to, ':');
    json_text_string(to, value);
}

static void add_textz(struct buf *to, const char *key, const char *value)
{
    add_text(to, str_from(key), str_from(value));
}

static void write_content_layer(struct buf *to, const struct packing *p)
{
    autofree char *bytes = mem_printf("%zu", p->wasm.n);
    buf_printf(
        to,
        "{\"mediaType\":\"" OCI_MEDIA_CONTENT "\",\"digest\":\"%s\",\"size\":%zu,\"annotations\":{",
        p->layer_digest, p->layer.n);
    add_textz(to, OCI_ANNOTATION_TITLE, "controller.tar.gz");
    add_textz(to, OCI_ANNOTATION_WASM_DIGEST, p->wasm_digest);
    add_textz(to, OCI_ANNOTATION_WASM_SIZE, bytes);
    buf_text(to, "}}");
}

static void write_resource_layer(struct buf *to, const struct packed_definition *d)
{
    autofree char *title = mem_printf("%s.%s.json", d->info.plural, d->info.group);
    buf_printf(
        to,
        ",{\"mediaType\":\"" OCI_MEDIA_RESOURCE
        "\",\"digest\":\"%s\",\"size\":%zu,\"annotations\":{",
        d->digest, d->bytes.n);
    add_textz(to, OCI_ANNOTATION_TITLE, title);
    buf_text(to, "}}");
}

static void write_tests_layer(struct buf *to, const struct packing *p)
{
    buf_printf(
        to,
        ",{\"mediaType\":\"" OCI_MEDIA_TESTS "\",\"digest\":\"%s\",\"size\":%zu,\"annotations\":{",
        p->tests_digest, p->tests.n);
    add_textz(to, OCI_ANNOTATION_TITLE, "tests.tar.gz");
    buf_text(to, "}}");
}

static void write_kinds(struct buf *to, const struct packing *p)
{
    for (size_t i = 0; i < p->definition_count; i++) {
        const struct oci_definition_info *info = &p->definitions[i].info;
        for (size_t k = 0; k < info->version_count; k++)
            buf_printf(
                to, "%s%s/%s/%s", to->n > 0 ? "," : "", info->group, info->versions[k],
                info->plural);
    }
}

static void write_globs(struct buf *to, const char *name, const char *const *globs)
{
    static const char *const ALL[] = {"**", NULL};
    buf_printf(to, "\"%s\":[", name);
    globs = globs == NULL || globs[0] == NULL ? ALL : globs;
    for (size_t i = 0; globs[i] != NULL; i++) {
        if (i > 0)
            buf_char(to, ',');
        json_text_string(to, str_from(globs[i]));
    }
    buf_char(to, ']');
}

static bool has_annotation(const struct packing *p, const char *key)
{
    for (size_t i = 0; i < p->annotation_count; i++) {
        if (str_eqz(key_of(p->annotations[i]), key))
            return true;
    }
    return false;
}

static void write_user_annotations(struct buf *to, const struct packing *p)
{
    int64_t date = p->input->source_date_unix_s;
    if (date >= 0 && !has_annotation(p, OCI_ANNOTATION_CREATED)) {
        char created[CLOCK_RFC3339_BYTES];
        clock_rfc3339(date, created);
        add_textz(to, OCI_ANNOTATION_CREATED, created);
    }
    for (size_t i = 0; i < p->annotation_count; i++) {
        struct str value = str_from(p->annotations[i]);
        struct str key = str_cut(&value, '=');
        add_text(to, key, value);
    }
}

static void write_annotations(struct buf *to, const struct packing *p)
{
    autobuf struct buf kinds = {0}, paths = {0};
    write_kinds(&kinds, p);
    buf_text(to, "\"annotations\":{");
    add_textz(to, OCI_ANNOTATION_NAME, p->name);
    add_textz(to, OCI_ANNOTATION_ABI, OCI_ABI);
    add_text(to, STR(OCI_ANNOTATION_KINDS), buf_view(&kinds));
    if (p->input->verbs != NULL)
        add_textz(to, OCI_ANNOTATION_VERBS, p->input->verbs);
    if (p->input->read_globs != NULL || p->input->write_globs != NULL) {
        buf_char(&paths, '{');
        write_globs(&paths, "read", p->input->read_globs);
        buf_char(&paths, ',');
        write_globs(&paths, "write", p->input->write_globs);
        buf_char(&paths, '}');
        add_text(to, STR(OCI_ANNOTATION_PATHS), buf_view(&paths));
    }
    write_user_annotations(to, p);
    buf_char(to, '}');
}

static void write_manifest(struct buf *to, const struct packing *p)
{
    buf_text(
        to,
        "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MEDIA_MANIFEST "\","
        "\"artifactType\":\"" OCI_ARTIFACT_TYPE "\","
        "\"config\":{\"mediaType\":\"" OCI_MEDIA_EMPTY "\",\"digest\":\"" OCI_EMPTY_DIGEST
        "\",\"size\":2,\"data\":\"e30=\"},\"layers\":[");
    write_content_layer(to, p);
    for (size_t i = 0; i < p->definition_count; i++)
        write_resource_layer(to, &p->definitions[i]);
    if (p->tests.n > 0)
        write_tests_layer(to, p);
    buf_text(to, "],");
    write_annotations(to, p);
    buf_char(to, '}');
}

/* --- storing ------------------------------------------------------------------------------------------ */

static enum err_kind put_blobs(struct oci_layout *layout, const struct packing *p, struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    enum err_kind r = oci_layout_put(layout, STR(OCI_EMPTY_BYTES), digest, err);
    if (r == ERR_OK)
        r = oci_layout_put(layout, buf_view(&p->layer), digest, err);
    for (size_t i = 0; r == ERR_OK && i < p->definition_count; i++)
        r = oci_layout_put(layout, buf_view(&p->definitions[i].bytes), digest, err);
    if (r == ERR_OK && p->tests.n > 0)
        r = oci_layout_put(layout, buf_view(&p->tests), digest, err);
    return r;
}

/* The CNCF manifest and the index over both; the name is then the index's. */
static enum err_kind name_with_compat(
    struct oci_layout *layout,
    const char *name,
    const struct packing *p,
    size_t manifest_bytes,
    char digest[OCI_DIGEST_MAX],
    struct err *err)
{
    size_t index_bytes = 0;
    char manifest_digest[OCI_DIGEST_MAX];
    int64_t date = p->input->source_date_unix_s;
    memcpy(manifest_digest, digest, OCI_DIGEST_MAX);
    struct oci_compat compat = {
        .wasm = buf_view(&p->wasm),
        .wasm_digest = p->wasm_digest,
        .created_unix_s = date < 0 ? 0 : date,
        .manifest_digest = manifest_digest,
        .manifest_bytes = manifest_bytes,
    };
    enum err_kind r = oci_compat_put(layout, &compat, digest, &index_bytes, err);
    if (r != ERR_OK)
        return r;
    return oci_layout_name(layout, name, OCI_MEDIA_INDEX, NULL, digest, index_bytes, err);
}

static enum err_kind store(
    struct oci_layout *layout,
    const char *name,
    const struct packing *p,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    autobuf struct buf manifest = {.max = OCI_MANIFEST_MAX};
    write_manifest(&manifest, p);
    enum err_kind r = buf_check(&manifest, "the manifest", err);
    if (r == ERR_OK)
        r = put_blobs(layout, p, err);
    if (r == ERR_OK)
        r = oci_layout_put(layout, buf_view(&manifest), digest, err);
    if (r == ERR_OK && p->input->with_compat_wasm)
        r = name_with_compat(layout, name, p, manifest.n, digest, err);
    else if (r == ERR_OK)
        r = oci_layout_name(
            layout, name, OCI_MEDIA_MANIFEST, OCI_ARTIFACT_TYPE, digest, manifest.n, err);
    if (r == ERR_OK)
        memcpy(ret_digest, digest, OCI_DIGEST_MAX);
    return r;
}

enum err_kind oci_pack_into(
    struct oci_layout *layout,
    const char *name,
    const struct oci_pack_input *input,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    struct packing p = {.input = input};
    enum err_kind r = gather(&p, err);
    if (r == ERR_OK)
        r = store(layout, name, &p, ret_digest, err);
    packing_deinit(&p);
    return r;
}
