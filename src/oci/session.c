#include "base/mem.h"
#include "oci/archive.h"
#include "oci/internal.h"
#include "oci/pack.h"
#include "oci/wasm.h"

enum err_kind oci_session_new(
    const struct oci_session_options *options, struct oci_session **ret, struct err *err)
{
    struct oci_transport *transport = NULL;
    enum err_kind r = oci_transport_new(options, &transport, err);
    if (r != ERR_OK)
        return r;
    struct oci_session *s = mem_new(struct oci_session);
    s->transport = transport;
    s->store_dir = mem_strdup(options->store_dir);
    s->progress = options->progress;
    s->progress_data = options->progress_data;
    s->note = options->note;
    s->note_data = options->note_data;
    s->is_cancelled = options->is_cancelled;
    s->cancel_data = options->cancel_data;
    s->concurrency = options->concurrency > 0 ? options->concurrency : OCI_CONCURRENCY_DEFAULT;
    s->trust = options->trust;
    *ret = s;
    return ERR_OK;
}

struct oci_session *oci_session_free(struct oci_session *s)
{
    if (s == NULL)
        return NULL;
    oci_transport_free(s->transport);
    oci_layout_close(s->store);
    free(s->store_dir);
    free(s);
    return NULL;
}

enum err_kind oci_session_check(const struct oci_session *s, struct err *err)
{
    return s->is_cancelled != NULL && s->is_cancelled(s->cancel_data)
        ? err_set(err, ERR_CANCELLED, "interrupted")
        : ERR_OK;
}

enum err_kind
oci_session_store(struct oci_session *s, bool create, struct oci_layout **ret, struct err *err)
{
    if (s->store == NULL) {
        if (s->store_dir == NULL)
            return err_set(err, ERR_INTERNAL, "the session has no local store");
        enum err_kind r = oci_layout_open(s->store_dir, create, true, &s->store, err);
        if (r != ERR_OK)
            return err_wrap(err, "the local store");
    }
    *ret = s->store;
    return ERR_OK;
}

static enum err_kind
layout_place(const struct oci_ref *ref, bool create, struct oci_place *ret, struct err *err)
{
    const char *name = ref->digest[0] != '\0' ? ref->digest : ref->tag;
    enum err_kind r = oci_layout_open(ref->path, create, false, &ret->layout, err);
    if (r != ERR_OK)
        return r;
    ret->owns_layout = true;
    ret->name = name[0] != '\0' ? mem_strdup(name) : create ? mem_strdup("latest") : NULL;
    return ERR_OK;
}

static enum err_kind store_place(
    struct oci_session *s,
    const struct oci_ref *ref,
    bool create,
    struct oci_place *ret,
    struct err *err)
{
    enum err_kind r = oci_session_store(s, create, &ret->layout, err);
    if (r != ERR_OK)
        return r;
    /* A digest is found whatever name it came under. */
    ret->name = ref->digest[0] != '\0' ? mem_strdup(ref->digest) : oci_ref_store_name(ref);
    return ERR_OK;
}

static void registry_place(struct oci_session *s, const struct oci_ref *ref, struct oci_place *ret)
{
    const char *tag = ref->tag[0] != '\0' ? ref->tag : "latest";
    ret->registry = oci_registry_open(s->transport, ref->host, ref->repository);
    ret->name = mem_strdup(ref->digest[0] != '\0' ? ref->digest : tag);
}

enum err_kind oci_session_place(
    struct oci_session *s,
    const struct oci_ref *ref,
    bool in_store,
    bool create,
    struct oci_place *ret,
    struct err *err)
{
    struct oci_place place = {0};
    enum err_kind r = ERR_OK;
    if (in_store || ref->kind == OCI_REF_STORE)
        r = store_place(s, ref, create, &place, err);
    else if (ref->kind == OCI_REF_LAYOUT)
        r = layout_place(ref, create, &place, err);
    else
        registry_place(s, ref, &place);
    if (r != ERR_OK)
        return r;
    place.shown = oci_ref_format(ref);
    *ret = place;
    return ERR_OK;
}

enum err_kind oci_pack(
    struct oci_session *s,
    const struct oci_pack_input *input,
    const struct oci_ref *ref,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    auto_oci_place struct oci_place place = {0};
    if (ref->digest[0] != '\0')
        return err_set(err, ERR_INVALID, "an image is packed under a tag, not under a digest");
    enum err_kind r = oci_session_place(s, ref, ref->kind != OCI_REF_LAYOUT, true, &place, err);
    if (r != ERR_OK)
        return r;
    return oci_pack_into(place.layout, place.name, input, ret_digest, err);
}

enum err_kind oci_inspect(
    struct oci_session *s,
    const struct oci_ref *ref,
    enum oci_where where,
    struct oci_image *ret,
    struct err *err)
{
    auto_oci_place struct oci_place place = {0};
    auto_oci_read_image struct oci_read_image read = {0};
    enum err_kind r = oci_session_place(s, ref, where == OCI_IN_STORE, false, &place, err);
    if (r == ERR_OK)
        r = oci_image_read(&place, &read, ret, err);
    if (r == ERR_OK)
        oci_image_name_after(ret, ref);
    return r;
}

enum err_kind oci_store_resolve(
    struct oci_session *s,
    const struct oci_ref *ref,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    struct oci_layout_entry entry;
    auto_oci_place struct oci_place place = {0};
    enum err_kind r = oci_session_place(s, ref, true, false, &place, err);
    if (r == ERR_OK)
        r = oci_layout_resolve(place.layout, place.name, &entry, err);
    if (r == ERR_OK)
        memcpy(ret_digest, entry.digest, sizeof(entry.digest));
    return r;
}
