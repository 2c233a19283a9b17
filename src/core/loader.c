#include "core/loader.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "core/config.h"
#include "core/images.h"
#include "core/template_controller.h"
#include "core/wasm_controller.h"
#include "oci/store.h"

#include <stdio.h>

/* A definition and who brought it. */
struct offered {
    struct core_definition *definition;
    struct core_controller *controller; /* of the image that it came with; NULL: the resources */
    bool is_bound;
};

struct loader {
    const struct core_options *options;
    struct wasmhost *host;
    struct core_config config;
    struct core_images *images;
    struct core_image_load *loads; /* of all images, in the order in which they are used */
    size_t load_count;
    size_t load_next;
    struct core_image_spec *named; /* of those that options name */
    struct core_registry *registry;
    struct offered *offered;
    size_t offered_count;
    size_t offered_cap;
};

/* --- definitions ---------------------------------------------------------------------------------- */

static bool has_version(const struct core_definition *d, struct str version)
{
    for (size_t i = 0; i < d->version_count; i++) {
        if (str_eq(d->versions[i].name, version))
            return true;
    }
    return false;
}

static struct offered *
find_offered(struct loader *l, struct str group, struct str version, struct str plural)
{
    for (size_t i = 0; i < l->offered_count; i++) {
        const struct core_definition *d = l->offered[i].definition;
        if (str_eq(d->group, group) && str_eq(d->plural, plural) && has_version(d, version))
            return &l->offered[i];
    }
    return NULL;
}

/* Takes the definition. Two owners of one group/version/plural: an error that names both. */
static enum err_kind offer(
    struct loader *l,
    struct core_definition *take_definition,
    struct core_controller *controller,
    struct err *err)
{
    struct core_definition *d = take_definition;
    for (size_t i = 0; i < d->version_count; i++) {
        const struct offered *other = find_offered(l, d->group, d->versions[i].name, d->plural);
        if (other != NULL) {
            err_set(
                err, ERR_EXISTS,
                STR_FMT "/" STR_FMT "/" STR_FMT " is defined twice: by %s and by %s",
                STR_ARG(d->group), STR_ARG(d->versions[i].name), STR_ARG(d->plural),
                other->definition->origin, d->origin);
            core_definition_free(d);
            return ERR_EXISTS;
        }
    }
    mem_grow(&l->offered, l->offered_count, &l->offered_cap);
    l->offered[l->offered_count++] = (struct offered){.definition = d, .controller = controller};
    return ERR_OK;
}

static enum err_kind offer_of_image(
    struct loader *l,
    const struct oci_image *image,
    const char *reference,
    struct core_controller *controller,
    struct err *err)
{
    for (size_t i = 0; i < image->definition_count; i++) {
        struct core_definition *d = NULL;
        autofree char *origin = mem_printf("image '%s'", reference);
        struct str text = str_of(image->definitions[i].bytes, image->definitions[i].n);
        enum err_kind r = core_definition_parse(text, origin, &d, err);
        if (r != ERR_OK)
            return err_wrap(err, "%s: definition '%s'", origin, image->definitions[i].title);
        r = offer(l, d, controller, err);
        if (r != ERR_OK)
            return r;
    }
    return ERR_OK;
}

/* --- controllers ---------------------------------------------------------------------------------- */

static void describe_image(
    struct core_controller *c,
    const struct oci_image *image,
    const struct oci_verdict *verdict,
    const char *reference)
{
    c->image_reference = mem_strdup(reference);
    c->image_digest = mem_strdup(image->digest);
    c->manifest_digest = mem_strdup(image->manifest_digest);
    if (verdict->state == OCI_TRUST_VERIFIED)
        c->signer = mem_strdup(verdict->signer);
}

static void warn_unverified(struct loader *l, const char *reference)
{
    if (l->options->note != NULL)
        l->options->note(
            l->options->note_data, LOG_WARN, "Image runs without a signature being checked",
            str_from(reference));
}

/* Those of the Controllers, then those that options name: as add_controllers() asks for them. */
static void load_images(struct loader *l)
{
    const struct core_options *o = l->options;
    size_t max = l->config.controller_count + o->image_count;
    l->loads = mem_alloc((max + 1) * sizeof(*l->loads));
    l->named = mem_alloc((o->image_count + 1) * sizeof(*l->named));
    for (size_t i = 0; i < l->config.controller_count; i++) {
        const struct core_image_spec *spec = &l->config.controllers[i].image;
        if (spec->reference != NULL)
            l->loads[l->load_count++].spec = spec;
    }
    for (size_t i = 0; i < o->image_count; i++) {
        l->named[i].reference = (char *)(uintptr_t)o->images[i];
        l->loads[l->load_count++].spec = &l->named[i];
    }
    core_images_load(l->images, l->loads, l->load_count);
}

static void free_images(struct loader *l)
{
    for (size_t i = 0; i < l->load_count; i++)
        core_image_load_deinit(&l->loads[i]);
    free(l->loads);
    free(l->named);
    core_images_free(l->images);
}

/* `name` NULL: the image's own. */
static enum err_kind make_controller(
    struct loader *l,
    const char *name,
    const struct core_controller_spec *spec,
    const struct core_image_load *load,
    struct core_controller **ret,
    struct err *err)
{
    const struct oci_image *image = &load->image;
    struct core_wasm_spec wasm = {
        .name = name != NULL ? name : image->name,
        .module = load->module,
        .verbs = image->verbs,
        .image_read = image->read_globs,
        .image_write = image->write_globs,
        .read = spec->read_globs,
        .write = spec->write_globs,
        .limits = spec->limits,
        .note = l->options->note,
        .note_data = l->options->note_data,
    };
    if (wasm.name == NULL)
        return err_set(
            err, ERR_INVALID,
            "image '%s' names no controller and brings no definitions: name it in a Controller "
            "resource (spec.spec.image)",
            load->spec->reference);
    return core_wasm_controller_new(&wasm, ret, err);
}

/* Of the image that is next. */
static enum err_kind add_image_controller(
    struct loader *l, const char *name, const struct core_controller_spec *spec, struct err *err)
{
    const struct core_image_load *load = &l->loads[l->load_next++];
    const char *reference = load->spec->reference;
    struct core_controller *controller = NULL;
    enum err_kind r = load->err.kind;
    if (r != ERR_OK) {
        *err = load->err;
        return r;
    }
    r = make_controller(l, name, spec, load, &controller, err);
    if (r != ERR_OK)
        return r;
    describe_image(controller, &load->image, &load->verdict, reference);
    /* A store that cannot be written to is not pruned either. */
    (void)oci_store_pin(l->options->store_dir, load->image.digest, &controller->pin, NULL);
    r = core_registry_add_controller(l->registry, controller, err);
    if (r == ERR_OK)
        r = offer_of_image(l, &load->image, reference, controller, err);
    if (r == ERR_OK && load->verdict.state != OCI_TRUST_VERIFIED)
        warn_unverified(l, reference);
    return r;
}

/* Below the resource directory, as upstream has it: no way up, no absolute path. */
static enum err_kind check_wasm_path(const char *path, struct err *err)
{
    enum err_kind r = vfs_check_path(str_from(path), err);
    if (r == ERR_OK)
        return ERR_OK;
    return err_set(
        err, ERR_INVALID,
        "spec.spec.path '%s' must be a path below the resource directory, without '..' or a "
        "leading '/'",
        path);
}

static enum err_kind
load_wasm_file(struct loader *l, const char *path, struct wasmhost_module **ret, struct err *err)
{
    char hex[SHA256_HEX + 1];
    autofree char *full = fs_join(l->options->resources_dir, path);
    autobuf struct buf wasm = {0};
    enum err_kind r = check_wasm_path(path, err);
    if (r == ERR_OK)
        r = fs_read_file(full, OCI_WASM_MAX, &wasm, err);
    if (r != ERR_OK)
        return r;
    sha256_hex_of(buf_view(&wasm), hex);
    autofree char *digest = mem_printf("sha256:%s", hex);
    return wasmhost_load(l->host, buf_view(&wasm), digest, ret, err);
}

static enum err_kind
add_file_controller(struct loader *l, const struct core_controller_spec *spec, struct err *err)
{
    struct wasmhost_module *module = NULL;
    struct core_controller *controller = NULL;
    enum err_kind r = load_wasm_file(l, spec->wasm_path, &module, err);
    if (r != ERR_OK)
        return r;
    struct core_wasm_spec wasm = {
        .name = spec->name,
        .module = module,
        .read = spec->read_globs,
        .write = spec->write_globs,
        .limits = spec->limits,
        .note = l->options->note,
        .note_data = l->options->note_data,
    };
    r = core_wasm_controller_new(&wasm, &controller, err);
    wasmhost_module_unref(module);
    return r == ERR_OK ? core_registry_add_controller(l->registry, controller, err) : r;
}

static enum err_kind
add_controller(struct loader *l, const struct core_controller_spec *spec, struct err *err)
{
    struct core_controller *controller = NULL;
    enum err_kind r;
    if (spec->image.reference != NULL)
        r = add_image_controller(l, spec->name, spec, err);
    else if (spec->is_wasm)
        r = add_file_controller(l, spec, err);
    else {
        r = core_template_controller_new(
            spec->name, spec->list_template, spec->resource_template, &controller, err);
        if (r == ERR_OK)
            r = core_registry_add_controller(l->registry, controller, err);
    }
    return r == ERR_OK ? r : err_wrap(err, "controller '%s'", spec->name);
}

static enum err_kind add_controllers(struct loader *l, struct err *err)
{
    static const struct core_controller_spec plain;
    enum err_kind r = ERR_OK;
    load_images(l);
    for (size_t i = 0; r == ERR_OK && i < l->config.controller_count; i++)
        r = add_controller(l, &l->config.controllers[i], err);
    for (size_t i = 0; r == ERR_OK && i < l->options->image_count; i++)
        r = add_image_controller(l, NULL, &plain, err);
    return r;
}

/* --- bindings ------------------------------------------------------------------------------------- */

/* Every version, not only the one a Binding names (as upstream). */
static enum err_kind
serve(struct loader *l, struct offered *o, struct core_controller *controller, struct err *err)
{
    const struct core_definition *d = o->definition;
    enum err_kind r = ERR_OK;
    o->is_bound = true;
    for (size_t i = 0; r == ERR_OK && i < d->version_count; i++) {
        autofree char *group = mem_strdup_str(d->group);
        autofree char *version = mem_strdup_str(d->versions[i].name);
        autofree char *name = mem_strdup_str(d->kind);
        autofree char *singular = mem_strdup_str(d->singular);
        autofree char *plural = mem_strdup_str(d->plural);
        struct core_kind kind = {
            .group = group,
            .version = version,
            .kind = name,
            .singular = singular,
            .plural = plural,
        };
        r = core_registry_serve(l->registry, &kind, d->versions[i].schema, controller, err);
    }
    return r;
}

static enum err_kind
bind_resource(struct loader *l, const struct core_binding *b, const char *resource, struct err *err)
{
    struct core_controller *controller =
        core_registry_controller(l->registry, str_from(b->controller));
    struct str rest = str_from(resource);
    struct str group = str_cut(&rest, '/');
    struct str version = str_cut(&rest, '/');
    struct offered *o = find_offered(l, group, version, rest);
    if (controller == NULL)
        return err_set(err, ERR_NOT_FOUND, "controller key \"%s\": not found", b->controller);
    if (o == NULL)
        return err_set(err, ERR_NOT_FOUND, "definition key \"%s\": not found", resource);
    /* Bound by another version's entry of the same Binding already. */
    const struct core_served *served =
        core_registry_find(l->registry, o->definition->group, version, o->definition->plural);
    if (served != NULL && served->controller == controller)
        return ERR_OK;
    return serve(l, o, controller, err);
}

static enum err_kind bind_all(struct loader *l, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < l->config.binding_count; i++) {
        const struct core_binding *b = &l->config.bindings[i];
        for (size_t j = 0; r == ERR_OK && j < b->resource_count; j++) {
            r = bind_resource(l, b, b->resources[j], err);
            if (r != ERR_OK)
                err_wrap(err, "binding '%s'", b->name);
        }
    }
    for (size_t i = 0; r == ERR_OK && i < l->offered_count; i++) {
        if (!l->offered[i].is_bound && l->offered[i].controller != NULL)
            r = serve(l, &l->offered[i], l->offered[i].controller, err);
    }
    return r;
}

/* --- body of GET /apis ---------------------------------------------------------------------------- */

struct entry {
    char *key;
    const struct core_definition *definition;
};

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

static enum err_kind write_definitions(struct loader *l, struct err *err)
{
    struct entry *entries = NULL;
    size_t count = 0;
    size_t cap = 0;
    autobuf struct buf b = {0};
    for (size_t i = 0; i < l->offered_count; i++) {
        const struct core_definition *d = l->offered[i].definition;
        for (size_t v = 0; v < d->version_count; v++) {
            mem_grow(&entries, count, &cap);
            entries[count++] = (struct entry){
                mem_printf(
                    STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(d->group),
                    STR_ARG(d->versions[v].name), STR_ARG(d->plural)),
                d};
        }
    }
    if (count > 1)
        qsort(entries, count, sizeof(*entries), compare_entries);
    buf_char(&b, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_char(&b, ',');
        json_text_string(&b, str_from(entries[i].key));
        buf_char(&b, ':');
        core_definition_write(&b, entries[i].definition);
        free(entries[i].key);
    }
    free(entries);
    buf_text(&b, "}\n");
    enum err_kind r = buf_check(&b, "the definitions", err);
    l->registry->definitions_bytes = b.n;
    l->registry->definitions = buf_steal(&b);
    return r;
}

/* --- all together --------------------------------------------------------------------------------- */

static enum err_kind load(struct loader *l, struct err *err)
{
    const struct core_options *o = l->options;
    enum err_kind r = ERR_OK;
    if (o->resources_dir != NULL)
        r = core_config_read(o->resources_dir, o->note, o->note_data, &l->config, err);
    for (size_t i = 0; r == ERR_OK && i < l->config.definition_count; i++) {
        r = offer(l, l->config.definitions[i], NULL, err);
        l->config.definitions[i] = NULL;
    }
    if (r == ERR_OK)
        r = add_controllers(l, err);
    if (r == ERR_OK)
        r = bind_all(l, err);
    return r == ERR_OK ? write_definitions(l, err) : r;
}

enum err_kind core_load(
    struct wasmhost *host,
    const struct core_options *options,
    struct core_registry **ret,
    struct err *err)
{
    struct loader l = {
        .options = options,
        .host = host,
        .images = core_images_new(options, host),
        .registry = core_registry_new(),
    };
    enum err_kind r = core_images_check_policy(l.images, err);
    if (r == ERR_OK)
        r = load(&l, err);
    for (size_t i = 0; i < l.offered_count; i++)
        core_definition_free(l.offered[i].definition);
    free(l.offered);
    free_images(&l);
    core_config_deinit(&l.config);
    if (r != ERR_OK) {
        core_registry_unref(l.registry);
        return r;
    }
    *ret = l.registry;
    return ERR_OK;
}
