#include "cli/trial.h"
#include "base/fs.h"
#include "base/mem.h"
#include "cli/guest.h"
#include "cli/run.h"
#include "cli/sources.h"
#include "core/definition.h"
#include "core/object.h"
#include "core/wasm_controller.h"
#include "oci/settle.h"
#include "oci/store.h"
#include "repo/repo.h"
#include "vfs/localtree.h"

static const size_t DEFINITION_BYTES_MAX = (size_t)4 << 20;

/* All verbs of the ABI: what a module that is being made has is not announced anywhere. */
static const char ALL_VERBS[] = "get,list,put,delete,namespaces";

void cli_trial_deinit(struct cli_trial *t)
{
    core_registry_unref(t->registry);
    core_controller_unref(t->controller);
    wasmhost_free(t->host);
}

/* --- definitions ------------------------------------------------------------------------------------- */

static enum err_kind
serve_versions(struct cli_trial *t, const struct core_definition *d, struct err *err)
{
    autofree char *group = mem_strdup_str(d->group), *kind = mem_strdup_str(d->kind),
                  *singular = mem_strdup_str(d->singular), *plural = mem_strdup_str(d->plural);
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < d->version_count; i++) {
        autofree char *version = mem_strdup_str(d->versions[i].name);
        const struct core_kind row = {
            .group = group,
            .version = version,
            .kind = kind,
            .singular = singular,
            .plural = plural};
        r = core_registry_serve(t->registry, &row, d->versions[i].schema, t->controller, err);
    }
    return r;
}

static enum err_kind
add_definition(struct cli_trial *t, struct str text, const char *origin, struct err *err)
{
    struct core_definition *d = NULL;
    enum err_kind r = core_definition_parse(text, origin, &d, err);
    if (r == ERR_OK)
        r = serve_versions(t, d, err);
    core_definition_free(d);
    return r == ERR_OK ? r : err_wrap(err, "definition '%s'", origin);
}

/* --- from files --------------------------------------------------------------------------------------- */

static enum err_kind
make_controller(struct cli_trial *t, const struct core_wasm_spec *spec, struct err *err)
{
    t->registry = core_registry_new();
    return core_wasm_controller_new(spec, &t->controller, err);
}

/* "dir/notes.wasm" → "notes" */
static char *name_of(const char *path)
{
    struct str file = str_from(path);
    file = str_skip(file, (size_t)(str_rfind(file, '/') + 1));
    if (str_ends(file, STR(".wasm")))
        file.n -= strlen(".wasm");
    return mem_strdup_str(file);
}

static enum err_kind load_file(
    struct cli_trial *t, const char *path, const struct wasmhost_limits *limits, struct err *err)
{
    autobuf struct buf wasm = {0};
    autofree char *name = name_of(path);
    struct core_wasm_spec spec = {.name = name, .verbs = ALL_VERBS, .limits = *limits};
    enum err_kind r = fs_read_file(path, CLI_MODULE_BYTES_MAX, &wasm, err);
    if (r == ERR_OK)
        r = cli_module_load(t->host, path, buf_view(&wasm), &spec.module, err);
    if (r == ERR_OK)
        r = make_controller(t, &spec, err);
    wasmhost_module_unref(spec.module);
    return r;
}

static enum err_kind
add_definition_files(struct cli_trial *t, const struct cli_sources *sources, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < sources->count; i++) {
        autobuf struct buf text = {0};
        r = fs_read_file(sources->definitions[i], DEFINITION_BYTES_MAX, &text, err);
        if (r == ERR_OK)
            r = add_definition(t, buf_view(&text), sources->definitions[i], err);
    }
    return r;
}

static enum err_kind load_path(
    struct cli *c,
    struct cli_trial *t,
    const char *path,
    const struct wasmhost_limits *limits,
    struct err *err)
{
    auto_sources struct cli_sources sources = {0};
    if (!fs_is_dir(path))
        return load_file(t, path, limits, err);
    enum err_kind r = cli_sources_read(path, &sources, err);
    if (r == ERR_NOT_FOUND)
        cli_hint(c, "'cup controller build' makes one; --wasm and --image name another controller");
    if (r == ERR_OK)
        r = load_file(t, sources.wasm, limits, err);
    return r == ERR_OK ? add_definition_files(t, &sources, err) : r;
}

/* --- from an image ------------------------------------------------------------------------------------ */

enum err_kind cli_image_bring(
    struct oci_session *session, struct oci_ref *ref, struct oci_image *ret, struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    enum err_kind r = ERR_NOT_FOUND;
    if (ref->kind != OCI_REF_LAYOUT) {
        struct oci_ref kept = *ref;
        r = oci_ref_settle(session, &kept, OCI_IN_STORE, err);
        if (r == ERR_OK)
            r = oci_store_resolve(session, &kept, digest, err);
        if (r == ERR_OK)
            return oci_inspect(session, &kept, OCI_IN_STORE, ret, err);
    }
    if (r != ERR_NOT_FOUND || ref->kind == OCI_REF_STORE)
        return r;
    r = oci_ref_settle(session, ref, OCI_AT_SOURCE, err);
    return r == ERR_OK ? oci_pull(session, ref, ret, err) : r;
}

static enum err_kind load_module_of(
    struct cli_trial *t,
    struct oci_session *session,
    const struct oci_image *image,
    const struct wasmhost_limits *limits,
    struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    autobuf struct buf wasm = {.max = OCI_WASM_MAX};
    struct core_wasm_spec spec = {
        .name = image->name == NULL ? "controller" : image->name,
        .verbs = image->verbs,
        .image_read = image->read_globs,
        .image_write = image->write_globs,
        .limits = *limits,
    };
    enum err_kind r = oci_read_wasm(session, image, &wasm, digest, err);
    if (r == ERR_OK)
        r = wasmhost_load(t->host, buf_view(&wasm), digest, &spec.module, err);
    if (r == ERR_OK)
        r = make_controller(t, &spec, err);
    wasmhost_module_unref(spec.module);
    for (size_t i = 0; r == ERR_OK && i < image->definition_count; i++) {
        const struct oci_definition *d = &image->definitions[i];
        r = add_definition(t, str_of(d->bytes, d->n), d->title, err);
    }
    return r;
}

static enum err_kind load_image(
    struct cli *c,
    struct cli_trial *t,
    const struct cli_trial_options *o,
    const struct wasmhost_limits *limits,
    struct err *err)
{
    auto_images struct cli_images images = {0};
    struct oci_image image = {0};
    struct oci_ref ref;
    enum err_kind r = oci_ref_parse_source(str_from(o->image), &ref, err);
    if (r == ERR_OK)
        r = cli_images_open(c, &o->transport, &images, err);
    if (r != ERR_OK)
        return r;
    r = cli_image_bring(images.session, &ref, &image, err);
    if (r != ERR_OK)
        cli_hint_registry(c, &o->transport, &ref, r);
    else
        r = load_module_of(t, images.session, &image, limits, err);
    oci_image_deinit(&image);
    return r == ERR_OK ? r : err_wrap(err, "image '%s'", o->image);
}

enum err_kind cli_trial_open(
    struct cli *c, const struct cli_trial_options *o, struct cli_trial *ret, struct err *err)
{
    struct wasmhost_limits limits = {.timeout_ms = c->timeout_ms};
    if (o->image != NULL && o->wasm != NULL)
        return err_set(err, ERR_USAGE, "either --image or --wasm, not both");
    enum err_kind r = cli_guest_size("memory", o->memory, &limits.memory_bytes, err);
    if (r == ERR_OK)
        r = cli_guest_size("max-output", o->output, &limits.output_bytes, err);
    if (r == ERR_OK)
        r = cli_wasmhost_new(c, &ret->host, err);
    if (r != ERR_OK)
        return r;
    return o->image != NULL ? load_image(c, ret, o, &limits, err)
                            : load_path(c, ret, o->wasm == NULL ? "." : o->wasm, &limits, err);
}

/* --- the tree ------------------------------------------------------------------------------------------ */

void cli_tree_deinit(struct cli_tree *t)
{
    vfs_free(t->vfs);
    repo_free(t->repo);
}

static enum err_kind
open_repo(struct cli *c, const char *path, struct cli_tree *ret, struct err *err)
{
    const struct repo_options options = {.url = path};
    const char *revision = c->globals.revision == NULL ? "HEAD" : c->globals.revision;
    struct repo_id commit, root;
    enum err_kind r = repo_open(&options, &ret->repo, err);
    if (r == ERR_OK)
        r = c->globals.revision == NULL ? repo_ref_read(ret->repo, "HEAD", &commit, err)
                                        : repo_resolve(ret->repo, str_from(revision), &commit, err);
    if (r == ERR_OK)
        r = repo_tree(ret->repo, &commit, &ret->vfs, &root, err);
    return r == ERR_OK ? r : err_wrap(err, "repository '%s'", path);
}

enum err_kind cli_tree_open(
    struct cli *c, const struct cli_trial_options *o, struct cli_tree *ret, struct err *err)
{
    if ((o->dir == NULL) == (o->repo == NULL))
        return err_set(
            err, ERR_USAGE,
            "'cup %s' needs either --dir DIR or --repo REPO: what it is called over",
            c->command_name);
    if (o->dir != NULL && c->globals.revision != NULL)
        return err_set(err, ERR_USAGE, "a directory has no revisions: --revision goes with --repo");
    return o->repo != NULL ? open_repo(c, o->repo, ret, err)
                           : vfs_localtree_new(o->dir, &ret->vfs, err);
}

/* --- the call ------------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    size_t words; /* itself and its arguments */
    const char *usage;
} verbs[] = {
    [CLI_VERB_GET] = {"get", 4, "get KIND NAMESPACE NAME"},
    [CLI_VERB_LIST] = {"list", 3, "list KIND NAMESPACE"},
    [CLI_VERB_PUT] = {"put", 4, "put KIND NAMESPACE NAME"},
    [CLI_VERB_DELETE] = {"delete", 4, "delete KIND NAMESPACE NAME"},
    [CLI_VERB_NAMESPACES] = {"namespaces", 2, "namespaces KIND"},
};

enum err_kind
cli_call_parse(const char *const *words, size_t count, struct cli_call *ret, struct err *err)
{
    for (size_t i = 0; count > 0 && i < ARRAY_LEN(verbs); i++) {
        if (strcmp(words[0], verbs[i].name) != 0)
            continue;
        if (count != verbs[i].words)
            return err_set(err, ERR_USAGE, "the call has the form '%s'", verbs[i].usage);
        *ret = (struct cli_call){.verb = (enum cli_verb)i, .kind = str_from(words[1])};
        ret->ns = str_from(count > 2 ? words[2] : NULL);
        ret->name = str_from(count > 3 ? words[3] : NULL);
        return ERR_OK;
    }
    return err_set(
        err, ERR_USAGE, "%s%s%s is none of get, list, put, delete and namespaces",
        count == 0 ? "no verb" : "'", count == 0 ? "" : words[0], count == 0 ? "" : "'");
}

/* The row of this kind. Where there are several versions the body's apiVersion says which; where nothing
 * does, NULL. */
static const struct core_served *
find_served(const struct cli_trial *t, struct str kind, struct str api_version)
{
    const struct core_served *found = NULL;
    for (size_t i = 0; i < t->registry->served_count; i++) {
        const struct core_served *s = &t->registry->served[i];
        autofree char *own = core_api_version(&s->kind);
        if (!str_eqz(kind, s->kind.kind))
            continue;
        if (str_eqz(api_version, own))
            return s;
        if (found != NULL && api_version.n == 0)
            return NULL;
        found = s;
    }
    return found;
}

/* A kind that no definition tells of: its group, version and schema are not checked. */
static struct core_served unknown_kind(const struct cli_trial *t, const char *kind)
{
    return (struct core_served){
        .kind = {.kind = kind, .singular = kind}, .controller = t->controller};
}

static enum err_kind emit_line(void *data, struct str document, const char *origin, struct err *err)
{
    (void)origin;
    buf_str(data, document);
    buf_char(data, '\n');
    return buf_check(data, "answer", err);
}

static enum err_kind call_put(
    const struct core_served *served,
    struct core_call *call,
    struct core_resource *body,
    struct err *err)
{
    autobuf struct buf text = {0};
    enum err_kind r = core_object_body(served, call->ns, call->name, body, &text, err);
    return r == ERR_OK
        ? served->controller->ops->put(served->controller, call, buf_view(&text), err)
        : err_wrap(err, "the object to put");
}

static enum err_kind make_call(
    const struct core_served *served,
    enum cli_verb verb,
    struct core_call *call,
    struct core_resource *body,
    struct buf *ret_objects,
    struct err *err)
{
    struct core_controller *c = served->controller;
    struct core_object_sink sink = {
        .served = served, .ns = call->ns, .name = call->name, .to = ret_objects};
    switch (verb) {
    case CLI_VERB_GET:
        return c->ops->get(c, call, core_object_emit, &sink, err);
    case CLI_VERB_LIST:
        return c->ops->list(c, call, core_object_emit, &sink, err);
    case CLI_VERB_PUT:
        return call_put(served, call, body, err);
    case CLI_VERB_DELETE:
        return c->ops->remove(c, call, err);
    case CLI_VERB_NAMESPACES:
        return c->ops->namespaces(c, call, emit_line, ret_objects, err);
    }
    return err_set(err, ERR_INTERNAL, "a verb that nobody knows");
}

enum err_kind cli_trial_call(
    struct cli_trial *t,
    const struct cli_call *call,
    struct vfs *tree,
    struct overlay *overlay,
    struct core_call_watch *watch,
    struct buf *ret_objects,
    struct err *err)
{
    auto_resource struct core_resource body = {0};
    autofree char *kind = mem_strdup_str(call->kind);
    struct core_served unknown = unknown_kind(t, kind);
    enum err_kind r = ERR_OK;
    if (call->verb == CLI_VERB_PUT)
        r = core_resource_parse(call->body, JSON_STRICT, &body, err);
    if (r != ERR_OK)
        return err_wrap(err, "the object to put");
    const struct core_served *served = find_served(t, call->kind, body.api_version);
    if (served == NULL)
        served = &unknown;
    struct core_call core_call = {
        .kind = &served->kind,
        .ns = call->ns,
        .name = call->name,
        .tree = tree,
        .overlay = overlay,
        .watch = watch,
    };
    return make_call(served, call->verb, &core_call, &body, ret_objects, err);
}
