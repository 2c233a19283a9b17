#include "core/registry.h"
#include "base/mem.h"

#include <stdatomic.h>

struct core_registry *core_registry_new(void)
{
    static atomic_uint_fast64_t made;
    struct core_registry *r = mem_new(struct core_registry);
    r->refs = 1;
    r->generation = atomic_fetch_add(&made, 1) + 1;
    return r;
}

struct core_registry *core_registry_ref(struct core_registry *r)
{
    if (r != NULL)
        __atomic_add_fetch(&r->refs, 1, __ATOMIC_RELAXED);
    return r;
}

static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

static void served_deinit(struct core_served *s)
{
    free_text(s->kind.group);
    free_text(s->kind.version);
    free_text(s->kind.kind);
    free_text(s->kind.singular);
    free_text(s->kind.plural);
    json_schema_free(s->schema);
    core_controller_unref(s->controller);
}

struct core_registry *core_registry_unref(struct core_registry *r)
{
    if (r == NULL || __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return NULL;
    for (size_t i = 0; i < r->served_count; i++)
        served_deinit(&r->served[i]);
    for (size_t i = 0; i < r->controller_count; i++)
        core_controller_unref(r->controllers[i]);
    free(r->served);
    free(r->controllers);
    free(r->definitions);
    free(r);
    return NULL;
}

struct core_controller *core_registry_controller(const struct core_registry *r, struct str name)
{
    for (size_t i = 0; i < r->controller_count; i++) {
        if (str_eqz(name, r->controllers[i]->name))
            return r->controllers[i];
    }
    return NULL;
}

/* What a person reads to tell two controllers apart. */
static const char *origin(const struct core_controller *c)
{
    return c->image_reference != NULL ? c->image_reference : "the resources";
}

enum err_kind
core_registry_add_controller(struct core_registry *r, struct core_controller *take, struct err *err)
{
    const struct core_controller *other = core_registry_controller(r, str_from(take->name));
    if (other != NULL) {
        err_set(
            err, ERR_EXISTS, "two controllers are named '%s': one of '%s' and one of '%s'",
            take->name, origin(other), origin(take));
        core_controller_unref(take);
        return ERR_EXISTS;
    }
    mem_grow(&r->controllers, r->controller_count, &r->controller_cap);
    size_t at = r->controller_count++;
    while (at > 0 && strcmp(r->controllers[at - 1]->name, take->name) > 0) {
        r->controllers[at] = r->controllers[at - 1];
        at--;
    }
    r->controllers[at] = take;
    return ERR_OK;
}

static int
compare(const struct core_served *s, struct str group, struct str version, struct str plural)
{
    int c = str_cmp(str_from(s->kind.group), group);
    if (c == 0)
        c = str_cmp(str_from(s->kind.version), version);
    return c != 0 ? c : str_cmp(str_from(s->kind.plural), plural);
}

const struct core_served *core_registry_find(
    const struct core_registry *r, struct str group, struct str version, struct str plural)
{
    size_t low = 0;
    size_t high = r->served_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int c = compare(&r->served[mid], group, version, plural);
        if (c == 0)
            return &r->served[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static void insert(struct core_registry *r, struct core_served served)
{
    mem_grow(&r->served, r->served_count, &r->served_cap);
    size_t at = r->served_count++;
    const struct core_kind *k = &served.kind;
    while (
        at > 0 &&
        compare(&r->served[at - 1], str_from(k->group), str_from(k->version), str_from(k->plural)) >
            0) {
        r->served[at] = r->served[at - 1];
        at--;
    }
    r->served[at] = served;
}

/* Each part with its NUL, so that no two lists of parts read alike. */
static void identify(struct core_served *s, struct str schema)
{
    const struct core_kind *k = &s->kind;
    const char *const parts[] = {
        CUP_VERSION, s->controller->name, s->controller->identity, k->group, k->version, k->kind,
        k->singular, k->plural,
    };
    struct sha256 sha;
    sha256_init(&sha);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        sha256_add(&sha, parts[i], strlen(parts[i]) + 1);
    sha256_add(&sha, schema.p, schema.n);
    sha256_end(&sha, s->identity);
}

enum err_kind core_registry_serve(
    struct core_registry *r,
    const struct core_kind *kind,
    struct str schema,
    struct core_controller *controller,
    struct err *err)
{
    const struct core_served *other = core_registry_find(
        r, str_from(kind->group), str_from(kind->version), str_from(kind->plural));
    if (other != NULL)
        return err_set(
            err, ERR_EXISTS,
            "%s/%s/%s is served by controller '%s' already: '%s' cannot serve it, too", kind->group,
            kind->version, kind->plural, other->controller->name, controller->name);
    struct json_schema *compiled = NULL;
    if (json_schema_compile(schema, &compiled, err) != ERR_OK)
        return err_wrap(err, "schema of %s/%s/%s", kind->group, kind->version, kind->plural);
    struct core_served served = {
        .kind =
            {
                .group = mem_strdup(kind->group),
                .version = mem_strdup(kind->version),
                .kind = mem_strdup(kind->kind),
                .singular = mem_strdup(kind->singular),
                .plural = mem_strdup(kind->plural),
                .controller = controller->name,
            },
        .schema = compiled,
        .controller = core_controller_ref(controller),
    };
    identify(&served, schema);
    insert(r, served);
    return ERR_OK;
}

const struct core_served *core_registry_find_kind(
    const struct core_registry *r, struct str group, struct str version, struct str kind)
{
    for (size_t i = 0; i < r->served_count; i++) {
        const struct core_kind *k = &r->served[i].kind;
        if (str_eqz(kind, k->kind) && str_eqz(group, k->group) && str_eqz(version, k->version))
            return &r->served[i];
    }
    return NULL;
}
