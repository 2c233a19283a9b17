#include "oci/attach.h"
#include "base/fs.h"
#include "base/mem.h"
#include "oci/internal.h"
#include "oci/tag_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

/* --- what it is attached to --------------------------------------------------------------------------- */

static enum err_kind read_subject(struct oci_place *p, struct oci_subject *ret, struct err *err)
{
    auto_oci_raw struct oci_raw raw = {0};
    auto_oci_manifest struct oci_manifest m = {0};
    enum err_kind r = oci_place_manifest(p, NULL, &raw, err);
    if (r == ERR_OK)
        r = oci_manifest_parse(buf_view(&raw.bytes), &m, err);
    if (r != ERR_OK)
        return err_wrap(err, "%s", p->shown);
    struct str type = m.media_type.n > 0 ? m.media_type
        : m.is_index                     ? STR(OCI_MEDIA_INDEX)
                                         : STR(OCI_MEDIA_MANIFEST);
    *ret = (struct oci_subject){.size = raw.bytes.n};
    memcpy(ret->digest, raw.digest, sizeof(ret->digest));
    snprintf(ret->media_type, sizeof(ret->media_type), STR_FMT, STR_ARG(type));
    return ERR_OK;
}

enum err_kind oci_subject_open(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    struct oci_place *ret,
    struct oci_subject *ret_subject,
    struct err *err)
{
    bool in_store = where == OCI_IN_STORE && ref->kind != OCI_REF_LAYOUT;
    auto_oci_place struct oci_place place = {0};
    enum err_kind r = oci_session_place(s, ref, in_store, false, &place, err);
    if (r == ERR_OK)
        r = read_subject(&place, ret_subject, err);
    if (r != ERR_OK)
        return r;
    *ret = place;
    place = (struct oci_place){0};
    return ERR_OK;
}

/* --- the manifest ------------------------------------------------------------------------------------- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum err_kind check_annotations(char *const *list, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct str text = str_from(list[i]);
        ptrdiff_t at = str_find(text, '=');
        if (at <= 0 || !str_is_utf8(text))
            return err_set(err, ERR_INVALID, "annotation '%s' is not KEY=VALUE", list[i]);
        if (i > 0 && strncmp(list[i], list[i - 1], (size_t)at + 1) == 0)
            return err_set(err, ERR_INVALID, "annotation '%.*s' is given twice", (int)at, list[i]);
    }
    return ERR_OK;
}

static void write_pairs(char *const *list, size_t n, struct buf *to)
{
    for (size_t i = 0; i < n; i++) {
        struct str rest = str_from(list[i]);
        buf_char(to, i == 0 ? '{' : ',');
        json_text_string(to, str_cut(&rest, '='));
        buf_char(to, ':');
        json_text_string(to, rest);
    }
    buf_char(to, '}');
}

enum err_kind oci_annotations_write(const char *const *annotations, struct buf *to, struct err *err)
{
    size_t n = 0;
    while (annotations != NULL && annotations[n] != NULL)
        n++;
    if (n == 0)
        return ERR_OK;
    autobuf struct buf text = {0};
    auto_json struct json_doc doc = {0};
    autofree char **sorted = mem_dup(annotations, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), compare_texts);
    enum err_kind r = check_annotations(sorted, n, err);
    if (r != ERR_OK)
        return r;
    write_pairs(sorted, n, &text);
    r = json_parse(buf_view(&text), JSON_STRICT, &doc, err);
    if (r == ERR_OK)
        json_text_canonical(to, doc.root);
    return r;
}

static void write_layer(struct buf *to, const struct oci_attach_layer *l)
{
    buf_text(to, "{\"mediaType\":");
    json_text_string(to, str_from(l->media_type));
    buf_printf(to, ",\"digest\":\"%s\",\"size\":%" PRIu64, l->digest, l->size);
    if (l->title != NULL) {
        buf_text(to, ",\"annotations\":{\"" OCI_ANNOTATION_TITLE "\":");
        json_text_string(to, str_from(l->title));
        buf_char(to, '}');
    }
    buf_char(to, '}');
}

static void write_subject(struct buf *to, const struct oci_subject *s)
{
    buf_text(to, ",\"subject\":{\"mediaType\":");
    json_text_string(to, str_from(s->media_type));
    buf_printf(to, ",\"digest\":\"%s\",\"size\":%" PRIu64 "}", s->digest, s->size);
}

#define EMPTY_MEMBERS                                                                              \
    "\"mediaType\":\"" OCI_MEDIA_EMPTY "\",\"digest\":\"" OCI_EMPTY_DIGEST "\",\"size\":2,"        \
    "\"data\":\"e30=\""

void oci_attach_write(
    struct buf *to,
    const char *artifact_type,
    const struct oci_attach_layer *layers,
    size_t count,
    const struct oci_subject *subject,
    struct str annotations)
{
    buf_text(to, "{\"schemaVersion\":2,\"mediaType\":\"" OCI_MEDIA_MANIFEST "\",\"artifactType\":");
    json_text_string(to, str_from(artifact_type));
    buf_text(to, ",\"config\":{" EMPTY_MEMBERS "},\"layers\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_char(to, ',');
        write_layer(to, &layers[i]);
    }
    /* "Guidelines for Artifact Usage": without content of its own it has one empty layer. */
    if (count == 0)
        buf_text(to, "{" EMPTY_MEMBERS "}");
    buf_char(to, ']');
    write_subject(to, subject);
    if (annotations.n > 0) {
        buf_text(to, ",\"annotations\":");
        buf_str(to, annotations);
    }
    buf_char(to, '}');
}

/* --- files -------------------------------------------------------------------------------------------- */

/* A file on its way; what is sent is checked against what was hashed, for it may change meanwhile. */
struct file_body {
    const char *path;
    int fd;
    struct oci_verifier verifier;
    const struct oci_attach_layer *layer;
    struct err err;
};

static void file_close(struct file_body *b)
{
    if (b->fd >= 0)
        close(b->fd);
    b->fd = -1;
    oci_verifier_deinit(&b->verifier);
}

static enum err_kind file_rewind(void *data, struct err *err)
{
    struct file_body *b = data;
    file_close(b);
    b->fd = open(b->path, O_RDONLY | O_CLOEXEC);
    if (b->fd < 0)
        return err_errno(err, errno, "opening '%s'", b->path);
    oci_verifier_init(&b->verifier, b->layer->digest, b->layer->size);
    return ERR_OK;
}

static ptrdiff_t file_read(void *data, char *to, size_t n)
{
    struct file_body *b = data;
    ssize_t got;
    do
        got = read(b->fd, to, n);
    while (got < 0 && errno == EINTR);
    enum err_kind r = got < 0 ? err_errno(&b->err, errno, "reading '%s'", b->path)
        : got > 0             ? oci_verifier_add(&b->verifier, to, (size_t)got, &b->err)
                              : oci_verifier_end(&b->verifier, &b->err);
    return r == ERR_OK ? got : -1;
}

static enum err_kind file_into_layout(struct oci_layout *l, struct file_body *b, struct err *err)
{
    char piece[64 << 10];
    ptrdiff_t n = 0;
    auto_oci_blob struct oci_blob_writer w = {.fd = -1};
    enum err_kind r = file_rewind(b, err);
    if (r == ERR_OK)
        r = oci_blob_begin(l, b->layer->digest, b->layer->size, &w, err);
    while (r == ERR_OK && (n = file_read(b, piece, sizeof(piece))) > 0)
        r = oci_blob_add(&w, piece, (size_t)n, err);
    return r == ERR_OK && n == 0 ? oci_blob_commit(&w, err) : r;
}

static enum err_kind
file_into_registry(struct oci_registry *registry, struct file_body *b, struct err *err)
{
    bool has = false;
    struct oci_body body = {.rewind = file_rewind, .read = file_read, .data = b};
    enum err_kind r = oci_registry_has_blob(registry, b->layer->digest, &has, err);
    if (r != ERR_OK || has)
        return r;
    return oci_registry_put_blob(registry, b->layer->digest, b->layer->size, &body, err);
}

static enum err_kind hash_file(const char *path, struct oci_attach_layer *ret, struct err *err)
{
    char piece[64 << 10], hex[SHA256_HEX + 1];
    uint8_t digest[SHA256_BYTES];
    struct sha256 sha;
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "opening '%s'", path);
    sha256_init(&sha);
    ssize_t n;
    while ((n = read(fd, piece, sizeof(piece))) > 0 || (n < 0 && errno == EINTR)) {
        if (n > 0) {
            sha256_add(&sha, piece, (size_t)n);
            ret->size += (uint64_t)n;
        }
    }
    enum err_kind r = n < 0 ? err_errno(err, errno, "reading '%s'", path) : ERR_OK;
    sha256_end(&sha, digest);
    sha256_hex(digest, hex);
    snprintf(ret->digest, sizeof(ret->digest), "sha256:%s", hex);
    return r;
}

static enum err_kind put_file(
    struct oci_place *p,
    const struct oci_attach_file *file,
    struct oci_attach_layer *ret,
    struct err *err)
{
    const char *slash = strrchr(file->path, '/');
    *ret = (struct oci_attach_layer){
        .media_type = file->media_type != NULL ? file->media_type : "application/octet-stream",
        .title = slash == NULL ? file->path : slash + 1};
    enum err_kind r = hash_file(file->path, ret, err);
    if (r == ERR_OK && ret->size > OCI_LAYER_MAX)
        r = err_set(err, ERR_LIMIT, "'%s' is larger than a layer can be", file->path);
    if (r != ERR_OK)
        return r;
    struct file_body b = {.path = file->path, .fd = -1, .layer = ret};
    r = p->layout != NULL ? file_into_layout(p->layout, &b, err)
                          : file_into_registry(p->registry, &b, err);
    if (b.err.kind != ERR_OK) {
        r = b.err.kind;
        if (err != NULL)
            *err = b.err;
    }
    file_close(&b);
    return r;
}

/* --- attaching ---------------------------------------------------------------------------------------- */

/* RFC 6838, section 4.2: type "/" subtype, with what registries take in them. */
static enum err_kind check_media_type(const char *text, struct err *err)
{
    const char *slash = strchr(text, '/');
    size_t n = strlen(text);
    bool is_good = slash != NULL && slash != text && slash[1] != '\0' && n < OCI_MEDIA_TYPE_MAX;
    for (size_t i = 0; i < n; i++)
        is_good = is_good && text[i] > ' ' && text[i] < 0x7f && text[i] != '"';
    if (is_good)
        return ERR_OK;
    return err_set(
        err, ERR_INVALID, "'%s' is not a media type (as in application/spdx+json)", text);
}

static enum err_kind check_attach(const struct oci_attach *a, struct err *err)
{
    enum err_kind r = check_media_type(a->artifact_type, err);
    if (r == ERR_OK && a->count > OCI_ATTACH_FILES_MAX)
        r = err_set(err, ERR_LIMIT, "more than %d files", OCI_ATTACH_FILES_MAX);
    for (size_t i = 0; r == ERR_OK && i < a->count; i++) {
        if (a->files[i].media_type != NULL)
            r = check_media_type(a->files[i].media_type, err);
    }
    return r;
}

static enum err_kind attach_to(
    struct oci_place *p,
    const struct oci_subject *subject,
    const struct oci_attach *a,
    struct oci_attached *ret,
    struct err *err)
{
    char empty[OCI_DIGEST_MAX];
    autobuf struct buf annotations = {0}, manifest = {.max = OCI_MANIFEST_MAX};
    autofree struct oci_attach_layer *layers = mem_alloc((a->count + 1) * sizeof(*layers));
    enum err_kind r = oci_annotations_write(a->annotations, &annotations, err);
    if (r == ERR_OK)
        r = oci_place_put_small(p, STR(OCI_EMPTY_BYTES), empty, err);
    for (size_t i = 0; r == ERR_OK && i < a->count; i++)
        r = put_file(p, &a->files[i], &layers[i], err);
    if (r != ERR_OK)
        return r;
    memcpy(ret->subject, subject->digest, sizeof(ret->subject));
    oci_attach_write(
        &manifest, a->artifact_type, layers, a->count, subject, buf_view(&annotations));
    r = buf_check(&manifest, "the manifest", err);
    if (r != ERR_OK)
        return r;
    return oci_referrers_put(
        p, subject->digest, buf_view(&manifest), OCI_MEDIA_MANIFEST, ret->digest, err);
}

enum err_kind oci_attach(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    const struct oci_attach *attach,
    struct oci_attached *ret,
    struct err *err)
{
    auto_oci_place struct oci_place place = {0};
    struct oci_subject subject;
    enum err_kind r = check_attach(attach, err);
    if (r == ERR_OK)
        r = oci_subject_open(s, ref, where, &place, &subject, err);
    return r == ERR_OK ? attach_to(&place, &subject, attach, ret, err) : r;
}

/* --- listing ------------------------------------------------------------------------------------------ */

/* Some tools list their artifacts under the type of their empty configuration. */
static bool says_type(const struct oci_referrer *r)
{
    return r->artifact_type != NULL && strcmp(r->artifact_type, OCI_MEDIA_EMPTY) != 0;
}

/* What cannot be read keeps the type that it is listed under. */
static void look_up_type(struct oci_place *p, struct oci_referrer *r)
{
    struct err ignored;
    auto_oci_raw struct oci_raw raw = {0};
    auto_oci_manifest struct oci_manifest m = {0};
    if (oci_place_manifest(p, r->digest, &raw, &ignored) != ERR_OK ||
        oci_manifest_parse(buf_view(&raw.bytes), &m, &ignored) != ERR_OK)
        return;
    struct str type = m.artifact_type.n > 0 ? m.artifact_type : m.config.media_type;
    if (m.artifact_type.n == 0 && m.count > 0 && r->tag != NULL)
        type = m.items[0].media_type; /* a .sig manifest says what it is in its layers alone */
    if (type.n == 0)
        return;
    free(r->artifact_type);
    r->artifact_type = mem_strdup_str(type);
}

/* The tree so far: parents before their children. */
struct tree {
    struct oci_place *place;
    struct oci_referrers found;
    size_t cap;
};

static bool is_in_tree(const struct tree *t, const char *digest)
{
    for (size_t i = 0; i < t->found.count; i++) {
        if (strcmp(t->found.items[i].digest, digest) == 0)
            return true;
    }
    return false;
}

static enum err_kind add_below(struct tree *t, const char *digest, unsigned depth, struct err *err);

/* Takes what is in `one`. */
static enum err_kind
add_to_tree(struct tree *t, struct oci_referrer *one, unsigned depth, struct err *err)
{
    if (t->found.count == OCI_REFERRERS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d referrers in all", OCI_REFERRERS_MAX);
    if (!says_type(one))
        look_up_type(t->place, one);
    mem_grow(&t->found.items, t->found.count, &t->cap);
    struct oci_referrer *to = &t->found.items[t->found.count++];
    *to = *one;
    *one = (struct oci_referrer){0};
    to->depth = depth;
    if (depth + 1 == OCI_REFERRERS_DEPTH_MAX)
        return ERR_OK;
    char digest[OCI_DIGEST_MAX]; /* the items move as they become more */
    memcpy(digest, to->digest, sizeof(digest));
    return add_below(t, digest, depth + 1, err);
}

static enum err_kind add_below(struct tree *t, const char *digest, unsigned depth, struct err *err)
{
    auto_oci_referrers struct oci_referrers level = {0};
    enum err_kind r = oci_referrers_list(t->place, digest, &level, err);
    for (size_t i = 0; r == ERR_OK && i < level.count; i++) {
        if (!is_in_tree(t, level.items[i].digest))
            r = add_to_tree(t, &level.items[i], depth, err);
    }
    return r;
}

enum err_kind oci_referrers_of(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    char ret_subject[OCI_DIGEST_MAX],
    struct oci_referrers *ret,
    struct err *err)
{
    auto_oci_place struct oci_place place = {0};
    struct oci_subject subject;
    struct tree tree = {.place = &place};
    enum err_kind r = oci_subject_open(s, ref, where, &place, &subject, err);
    if (r == ERR_OK)
        r = add_below(&tree, subject.digest, 0, err);
    if (r != ERR_OK) {
        oci_referrers_deinit(&tree.found);
        return r;
    }
    memcpy(ret_subject, subject.digest, sizeof(subject.digest));
    *ret = tree.found;
    return ERR_OK;
}
