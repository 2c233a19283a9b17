#include "oci/store.h"
#include "base/fs.h"
#include "base/mem.h"
#include "oci/store_internal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum err_kind store_open(
    struct oci_session *s, const struct oci_ref *where, struct oci_place *ret, struct err *err)
{
    struct oci_place place = {0};
    enum err_kind r = ERR_OK;
    if (where != NULL && where->kind != OCI_REF_LAYOUT)
        return err_set(err, ERR_USAGE, "'%s' is not of the form oci-layout:DIR", where->repository);
    if (where != NULL) {
        r = oci_layout_open(where->path, false, false, &place.layout, err);
        place.owns_layout = true;
    } else if (s->store_dir != NULL && fs_exists(s->store_dir)) {
        r = oci_session_store(s, false, &place.layout, err);
    }
    if (r == ERR_OK)
        *ret = place;
    return r;
}

int64_t store_used_unix_s(const struct store_graph *g, const struct store_root *root)
{
    int64_t used = layout_used_unix_s(g->layout, root->digest);
    int64_t added = root->blob == STORE_NONE ? 0 : g->blobs[root->blob].mtime_unix_s;
    return used > added ? used : added;
}

/* --- tag ------------------------------------------------------------------------------------------ */

static enum err_kind
check_same_place(const struct oci_ref *src, const struct oci_ref *dst, struct err *err)
{
    bool in_layout = src->kind == OCI_REF_LAYOUT;
    if (dst->digest[0] != '\0')
        return err_set(err, ERR_USAGE, "a name is put on an image: the second one has no digest");
    if (in_layout != (dst->kind == OCI_REF_LAYOUT) ||
        (in_layout && strcmp(src->path, dst->path) != 0))
        return err_set(
            err, ERR_USAGE,
            "both names are of the store, or of one layout ('cup image copy' copies)");
    return ERR_OK;
}

static enum err_kind
put_name(struct oci_layout *l, const char *name, const struct oci_raw *raw, struct err *err)
{
    auto_oci_manifest struct oci_manifest m = {0};
    enum err_kind r = oci_manifest_parse(buf_view(&raw->bytes), &m, err);
    if (r != ERR_OK)
        return r;
    autofree char *type = mem_strdup_str(
        m.media_type.p != NULL ? m.media_type
            : m.is_index       ? STR(OCI_MEDIA_INDEX)
                               : STR(OCI_MEDIA_MANIFEST));
    autofree char *artifact = m.artifact_type.p == NULL ? NULL : mem_strdup_str(m.artifact_type);
    return oci_layout_name(l, name, type, artifact, raw->digest, raw->bytes.n, err);
}

enum err_kind oci_store_tag(
    struct oci_session *s,
    const struct oci_ref *src,
    const struct oci_ref *dst,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    auto_oci_place struct oci_place place = {0};
    auto_oci_raw struct oci_raw raw = {0};
    bool in_layout = src->kind == OCI_REF_LAYOUT;
    enum err_kind r = check_same_place(src, dst, err);
    if (r == ERR_OK)
        r = oci_session_place(s, src, !in_layout, false, &place, err);
    if (r == ERR_OK && src->digest[0] != '\0')
        r = layout_pin(place.layout, src->digest, err);
    if (r == ERR_OK)
        r = oci_place_manifest(&place, NULL, &raw, err);
    if (r != ERR_OK)
        return r;
    autofree char *name = !in_layout ? oci_ref_store_name(dst)
        : dst->tag[0] != '\0'        ? mem_strdup(dst->tag)
                                     : mem_strdup("latest");
    r = put_name(place.layout, name, &raw, err);
    if (r == ERR_OK)
        memcpy(ret_digest, raw.digest, OCI_DIGEST_MAX);
    return r;
}

/* --- remove --------------------------------------------------------------------------------------- */

/* Which entries a reference means. */
struct wanted {
    char *name;         /* NULL: go by digest and repository */
    char *repository;   /* what names begin with, with its ':'; NULL: any name */
    const char *digest; /* empty: any */
};

static void wanted_deinit(struct wanted *w)
{
    free(w->name);
    free(w->repository);
}

static void make_wanted(const struct oci_ref *ref, struct wanted *ret)
{
    struct oci_ref plain = *ref;
    plain.digest[0] = '\0';
    *ret = (struct wanted){.digest = ref->digest};
    if (ref->kind == OCI_REF_LAYOUT) {
        if (ref->tag[0] != '\0' || ref->digest[0] == '\0')
            ret->name = mem_strdup(ref->tag[0] != '\0' ? ref->tag : "latest");
        return;
    }
    char *name = oci_ref_store_name(&plain);
    if (ref->tag[0] != '\0' || ref->digest[0] == '\0') {
        ret->name = name;
        return;
    }
    strrchr(name, ':')[0] = '\0';
    ret->repository = name;
}

/* "host/repo:tag" and "host/repo@sha256:…" are names of host/repo. */
static bool is_of_repository(struct str name, const char *repository)
{
    struct str prefix = str_from(repository);
    return str_starts(name, prefix) && name.n > prefix.n &&
        (name.p[prefix.n] == ':' || name.p[prefix.n] == '@');
}

static bool is_wanted(const struct wanted *w, const struct store_root *root)
{
    if (root->position == STORE_NONE)
        return false;
    if (w->name != NULL)
        return root->name.p != NULL && str_eqz(root->name, w->name);
    if (strcmp(root->digest, w->digest) != 0)
        return false;
    return w->repository == NULL || root->name.p == NULL ||
        is_of_repository(root->name, w->repository);
}

/* What names alone keep is looked at: a pin ends some day. */
static void forget_pins(struct store_graph *g)
{
    for (size_t i = 0; i < g->root_count; i++) {
        if (g->roots[i].kind == STORE_PIN)
            store_graph_drop(g, &g->roots[i]);
    }
    for (size_t i = 0; i < g->blob_count; i++)
        g->blobs[i].was_kept = g->blobs[i].refs > 0;
}

/* So that the next prune need not wait: what only the removed names needed is as old as can be. */
static void age_lost_blobs(const struct store_graph *g)
{
    static const struct timespec EPOCH[2] = {{0, 0}, {0, 0}};
    for (size_t i = 0; i < g->blob_count; i++) {
        if (!g->blobs[i].was_kept || g->blobs[i].refs > 0)
            continue;
        autofree char *path = layout_blob_path(g->layout, g->blobs[i].digest);
        utimensat(AT_FDCWD, path, EPOCH, AT_SYMLINK_NOFOLLOW);
    }
}

static enum err_kind drop_wanted(
    struct store_graph *g,
    const struct wanted *w,
    const char *shown,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    size_t count = 0;
    for (size_t i = 0; i < g->root_count; i++) {
        struct store_root *root = &g->roots[i];
        if (!is_wanted(w, root))
            continue;
        if (w->digest[0] != '\0' && strcmp(root->digest, w->digest) != 0)
            return err_set(
                err, ERR_CONFLICT, "'%s' is not on that digest but on %s", w->name, root->digest);
        memcpy(ret_digest, root->digest, OCI_DIGEST_MAX);
        store_graph_drop(g, root);
        count++;
    }
    return count > 0 ? ERR_OK
                     : err_set(err, ERR_NOT_FOUND, "no '%s' in '%s'", shown, g->layout->dir);
}

static enum err_kind remove_from(
    struct oci_layout *l,
    const struct wanted *w,
    const char *shown,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    autoclose int lock = -1;
    auto_store_graph struct store_graph g = {0};
    enum err_kind r = layout_lock(l->dir, l->file_mode, LAYOUT_EXCLUSIVE, &lock, err);
    if (r == ERR_OK)
        r = store_graph_read(l, true, &g, err);
    if (r != ERR_OK)
        return r;
    forget_pins(&g);
    r = drop_wanted(&g, w, shown, ret_digest, err);
    if (r == ERR_OK)
        r = store_graph_write_index(&g, err);
    if (r == ERR_OK)
        age_lost_blobs(&g);
    return r;
}

enum err_kind oci_store_remove(
    struct oci_session *s,
    const struct oci_ref *ref,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    auto_oci_place struct oci_place place = {0};
    struct wanted w;
    autofree char *shown = oci_ref_format(ref);
    enum err_kind r = store_open(s, ref->kind == OCI_REF_LAYOUT ? ref : NULL, &place, err);
    if (r == ERR_OK && place.layout == NULL)
        r = err_set(
            err, ERR_NOT_FOUND, "no '%s': the store '%s' is not there", shown, s->store_dir);
    if (r != ERR_OK)
        return r;
    make_wanted(ref, &w);
    r = remove_from(place.layout, &w, shown, ret_digest, err);
    wanted_deinit(&w);
    return r;
}

/* --- pin ------------------------------------------------------------------------------------------ */

struct oci_pin {
    struct oci_layout *layout; /* its own handle: the pin lasts as long as it is open */
};

enum err_kind
oci_store_pin(const char *store_dir, const char *digest, struct oci_pin **ret, struct err *err)
{
    autorelease(oci_pin_free) struct oci_pin *pin = mem_new(struct oci_pin);
    enum err_kind r = oci_layout_open(store_dir, false, true, &pin->layout, err);
    if (r == ERR_OK)
        r = layout_pin(pin->layout, digest, err);
    if (r == ERR_OK)
        *ret = steal(&pin);
    return r;
}

struct oci_pin *oci_pin_free(struct oci_pin *pin)
{
    if (pin == NULL)
        return NULL;
    oci_layout_close(pin->layout);
    free(pin);
    return NULL;
}
