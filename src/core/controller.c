#include "core/controller.h"
#include "base/mem.h"
#include "oci/store.h"

void core_controller_init(
    struct core_controller *c,
    const struct core_controller_ops *ops,
    const char *name,
    const char *type)
{
    c->ops = ops;
    c->name = mem_strdup(name);
    c->type = mem_strdup(type);
    c->refs = 1;
}

struct core_controller *core_controller_ref(struct core_controller *c)
{
    if (c != NULL)
        __atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
    return c;
}

struct core_controller *core_controller_unref(struct core_controller *c)
{
    if (c == NULL || __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return NULL;
    free(c->name);
    free(c->type);
    free(c->image_reference);
    free(c->image_digest);
    free(c->manifest_digest);
    free(c->module_digest);
    free(c->signer);
    oci_pin_free(c->pin);
    free(c->identity);
    c->ops->free(c);
    return NULL;
}
