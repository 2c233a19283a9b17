#include "core/images.h"
#include "base/mem.h"
#include "oci/settle.h"

struct core_images {
    struct oci_session_options options;
    struct wasmhost *host;
    void (*note)(void *data, enum log_level level, const char *what, struct str value);
    void *note_data;
};

struct core_images *core_images_new(const struct core_options *options, struct wasmhost *host)
{
    struct core_images *i = mem_new(struct core_images);
    i->options = (struct oci_session_options){
        .store_dir = options->store_dir,
        .registry_config = options->registry_config,
        .auth_files = options->auth_files,
        .plain_http_hosts = options->plain_http_hosts,
    };
    i->host = host;
    i->note = options->note;
    i->note_data = options->note_data;
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
    return r == ERR_OK ? oci_inspect(session, &ref, OCI_IN_STORE, ret, err) : r;
}

static enum err_kind bring(
    struct core_images *i,
    struct oci_session *session,
    const struct core_image_spec *spec,
    const struct oci_ref *ref,
    struct oci_image *ret,
    struct err *err)
{
    struct oci_ref settled = *ref;
    enum core_pull_policy policy = effective_policy(spec, ref);
    if (policy != CORE_PULL_ALWAYS) {
        enum err_kind r = from_store(session, *ref, ret, err);
        if (r != ERR_NOT_FOUND || policy == CORE_PULL_NEVER)
            return r;
    }
    note(i, "Pulling image", spec->reference);
    enum err_kind r = oci_ref_settle(session, &settled, OCI_AT_SOURCE, err);
    return r == ERR_OK ? oci_pull(session, &settled, ret, err) : r;
}

static enum err_kind compile(
    struct core_images *i,
    struct oci_session *session,
    const struct oci_image *image,
    struct wasmhost_module **ret,
    struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    autobuf struct buf wasm = {.max = OCI_WASM_MAX};
    enum err_kind r = oci_read_wasm(session, image, &wasm, digest, err);
    return r == ERR_OK ? wasmhost_load(i->host, buf_view(&wasm), digest, ret, err) : r;
}

enum err_kind core_images_load(
    struct core_images *i,
    const struct core_image_spec *spec,
    struct oci_image *ret,
    struct wasmhost_module **ret_module,
    struct err *err)
{
    struct oci_ref ref;
    struct oci_session *session = NULL;
    struct oci_session_options options = i->options;
    options.is_plain_http = spec->is_plain_http;
    options.ca_file = spec->ca_file;
    *ret = (struct oci_image){0};
    if (options.store_dir == NULL)
        return err_set(
            err, ERR_INVALID,
            "image '%s': no place for the image store: give -api-store, or set HOME",
            spec->reference);
    enum err_kind r = oci_ref_parse_source(str_from(spec->reference), &ref, err);
    if (r == ERR_OK)
        r = oci_session_new(&options, &session, err);
    if (r == ERR_OK)
        r = bring(i, session, spec, &ref, ret, err);
    if (r == ERR_OK)
        r = compile(i, session, ret, ret_module, err);
    oci_session_free(session);
    if (r != ERR_OK) {
        oci_image_deinit(ret);
        return err_wrap(err, "image '%s'", spec->reference);
    }
    note(i, "Image loaded", spec->reference);
    return ERR_OK;
}
