#include "core/images.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "oci/settle.h"
#include "oci/sign.h"
#include "oci/store.h"

#include <inttypes.h>

/* Pulls wait for registries, and what is in the store costs little: more threads than cores. */
enum { AT_ONCE = 4 };

struct core_images {
    struct oci_session_options options;
    struct wasmhost *host;
    void (*note)(void *data, enum log_level level, const char *what, struct str value);
    void *note_data;
    const char *trust_policy; /* file, or NULL */
    bool requires_signatures;
};

/* A registry that lets us wait, or warns: of interest to whoever runs this. */
static void note_registry(void *data, const char *text)
{
    const struct core_images *i = data;
    if (i->note != NULL)
        i->note(i->note_data, LOG_WARN, "Registry", str_from(text));
}

static bool is_cancelled(void *data)
{
    const atomic_bool *cancel = data;
    return cancel != NULL && atomic_load(cancel);
}

struct core_images *core_images_new(const struct core_options *options, struct wasmhost *host)
{
    struct core_images *i = mem_new(struct core_images);
    i->options = (struct oci_session_options){
        .store_dir = options->store_dir,
        .registry_config = options->registry_config,
        .proxies = options->proxies,
        .auth_files = options->auth_files,
        .plain_http_hosts = options->plain_http_hosts,
        .note = note_registry,
        .note_data = i,
        .is_cancelled = is_cancelled,
        .cancel_data = (void *)(uintptr_t)options->cancel,
    };
    i->host = host;
    i->note = options->note;
    i->note_data = options->note_data;
    i->trust_policy = options->trust_policy;
    i->requires_signatures = options->requires_signatures;
    return i;
}

struct core_images *core_images_free(struct core_images *i)
{
    free(i);
    return NULL;
}

/* docs/image-format.md section 3. A digest is never resolved again; a name without host is never pulled. */
static enum core_pull_policy
effective_policy(const struct core_image_spec *spec, const struct oci_ref *ref)
{
    if (ref->kind == OCI_REF_STORE)
        return CORE_PULL_NEVER;
    if (ref->digest[0] != '\0' && spec->policy != CORE_PULL_NEVER)
        return CORE_PULL_IF_NOT_PRESENT;
    if (spec->policy != CORE_PULL_DEFAULT)
        return spec->policy;
    /* a version range has no tag either: what it picks moves as versions come */
    bool is_moving = ref->tag[0] == '\0' || strcmp(ref->tag, "latest") == 0;
    return is_moving || ref->kind == OCI_REF_LAYOUT ? CORE_PULL_ALWAYS : CORE_PULL_IF_NOT_PRESENT;
}

static void note(struct core_images *i, const char *what, const char *value)
{
    if (i->note != NULL)
        i->note(i->note_data, LOG_INFO, what, str_from(value));
}

static enum err_kind
from_store(struct oci_session *session, struct oci_ref ref, struct oci_image *ret, struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    enum err_kind r = oci_ref_settle(session, &ref, OCI_IN_STORE, err);
    if (r == ERR_OK)
        r = oci_store_resolve(session, &ref, digest, err);
    if (r == ERR_OK)
        r = oci_inspect(session, &ref, OCI_IN_STORE, ret, err);
    /* Rot is told now, while it can still be fetched again. */
    return r == ERR_OK ? oci_store_check_content(session, ret, err) : r;
}

/* --- trust ---------------------------------------------------------------------------------------- */

/* What must hold for one image; read anew at each load, so that a change of the files counts then. */
struct trust {
    struct oci_trust *policy; /* NULL: none is configured */
    struct oci_trust *keys;   /* the Controller's own; they want the policy too. NULL: none */
};

static void trust_deinit(struct trust *t)
{
    oci_trust_free(t->keys);
    oci_trust_free(t->policy);
}

static const struct oci_trust *trust_all(const struct trust *t)
{
    return t->keys != NULL ? t->keys : t->policy;
}

static enum err_kind read_trust(
    const struct core_images *i,
    const struct core_image_spec *spec,
    struct trust *ret,
    struct err *err)
{
    enum err_kind r = ERR_OK;
    if (i->trust_policy != NULL)
        r = oci_trust_read(i->trust_policy, &ret->policy, err);
    if (r == ERR_OK && spec->verify_keys != NULL)
        r = oci_trust_of_keys((const char *const *)spec->verify_keys, &ret->keys, err);
    if (ret->keys != NULL)
        oci_trust_require_too(ret->keys, ret->policy);
    return r;
}

enum err_kind core_images_check_policy(struct core_images *i, struct err *err)
{
    CLEANUP(trust_deinit) struct trust trust = {0};
    const struct core_image_spec none = {0};
    return read_trust(i, &none, &trust, err);
}

static enum err_kind check_required(const struct core_images *i, bool is_covered, struct err *err)
{
    if (!i->requires_signatures || is_covered)
        return ERR_OK;
    return err_set(
        err, ERR_UNVERIFIED,
        "no signature of it is checked, and -api-require-signatures wants one: name its keys in "
        "the "
        "policy of -api-trust-policy or in spec.spec.image.verify.keys");
}

/* --- loading -------------------------------------------------------------------------------------- */

/* Whatever way it came: what counts is what stands in the store, signatures included. */
static enum err_kind bring(
    struct core_images *i,
    struct oci_session *session,
    const struct core_image_spec *spec,
    const struct oci_ref *ref,
    const struct oci_trust *trust,
    struct oci_image *ret,
    struct oci_verdict *ret_verdict,
    struct err *err)
{
    struct oci_ref settled = *ref;
    enum core_pull_policy policy = effective_policy(spec, ref);
    if (policy != CORE_PULL_ALWAYS) {
        enum err_kind r = from_store(session, *ref, ret, err);
        if (r == ERR_OK)
            r = oci_verify_stored(session, ref, ret->digest, trust, ret_verdict, err);
        if (r == ERR_OK || (r != ERR_NOT_FOUND && r != ERR_UNVERIFIED) || policy == CORE_PULL_NEVER)
            return r;
        oci_image_deinit(ret); /* its signature may be in the registry only */
    }
    note(i, "Pulling image", spec->reference);
    enum err_kind r = oci_ref_settle(session, &settled, OCI_AT_SOURCE, err);
    if (r == ERR_OK)
        r = oci_pull(session, &settled, ret, err);
    if (r == ERR_OK)
        r = oci_verify_stored(session, &settled, ret->digest, trust, ret_verdict, err);
    return r;
}

/* All that unpacking the module depends on, our rules for it included: the same text, the same module. */
static char *source_of(const struct oci_image *image)
{
    return mem_printf(
        "cup %s;%s;%s;%" PRIu64 ";%s;%" PRIu64, CUP_VERSION, oci_format_name(image->format),
        image->content_digest, image->content_bytes, image->wasm_digest, image->wasm_bytes);
}

/* The layer itself was checked before, so a module that is known needs no unpacking. */
static enum err_kind compile(
    struct core_images *i,
    struct oci_session *session,
    const struct oci_image *image,
    struct wasmhost_module **ret,
    struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    autobuf struct buf wasm = {.max = OCI_WASM_MAX};
    autofree char *source = source_of(image);
    *ret = wasmhost_recall(i->host, str_from(source));
    if (*ret != NULL)
        return ERR_OK;
    enum err_kind r = oci_read_wasm(session, image, &wasm, digest, err);
    if (r == ERR_OK)
        r = wasmhost_load(i->host, buf_view(&wasm), digest, ret, err);
    if (r == ERR_OK)
        wasmhost_remember(i->host, str_from(source), *ret);
    return r;
}

static enum err_kind load_in(
    struct core_images *i,
    struct oci_session *session,
    const struct oci_trust *trust,
    struct core_image_load *l,
    struct err *err)
{
    struct oci_ref ref;
    enum err_kind r = oci_ref_parse_source(str_from(l->spec->reference), &ref, err);
    if (r == ERR_OK)
        r = bring(i, session, l->spec, &ref, trust, &l->image, &l->verdict, err);
    if (r == ERR_OK)
        r = check_required(i, l->verdict.state == OCI_TRUST_VERIFIED, err);
    return r == ERR_OK ? compile(i, session, &l->image, &l->module, err) : r;
}

static enum err_kind load(struct core_images *i, struct core_image_load *l, struct err *err)
{
    CLEANUP(trust_deinit) struct trust trust = {0};
    struct oci_session *session = NULL;
    struct oci_session_options options = i->options;
    if (options.store_dir == NULL)
        return err_set(
            err, ERR_INVALID, "no place for the image store: give -api-store, or set HOME");
    enum err_kind r = read_trust(i, l->spec, &trust, err);
    if (r == ERR_OK)
        r = check_required(i, trust_all(&trust) != NULL, err);
    options.is_plain_http = l->spec->is_plain_http;
    options.ca_file = l->spec->ca_file;
    options.trust = trust_all(&trust);
    if (r == ERR_OK)
        r = oci_session_new(&options, &session, err);
    if (r == ERR_OK)
        r = load_in(i, session, options.trust, l, err);
    oci_session_free(session);
    return r;
}

struct work {
    struct core_images *images;
    struct core_image_load *loads;
};

static enum err_kind load_one(void *data, size_t at, struct err *err)
{
    struct work *w = data;
    struct core_image_load *l = &w->loads[at];
    if (load(w->images, l, &l->err) == ERR_OK) {
        l->err = (struct err){0}; /* of a step that another one made good */
        note(w->images, "Image loaded", l->spec->reference);
        return ERR_OK;
    }
    err_wrap(&l->err, "image '%s'", l->spec->reference);
    *err = l->err;
    return l->err.kind;
}

void core_images_load(struct core_images *i, struct core_image_load *loads, size_t count)
{
    struct work work = {i, loads};
    for (size_t k = 0; k < count; k++)
        err_set(&loads[k].err, ERR_CANCELLED, "not loaded: another image failed");
    (void)(parallel_run(AT_ONCE, count, load_one, &work, NULL) == ERR_OK); /* each has its own */
}

void core_image_load_deinit(struct core_image_load *l)
{
    oci_image_deinit(&l->image);
    l->module = wasmhost_module_unref(l->module);
}
