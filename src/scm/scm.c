#include "scm/drivers.h"

#include "base/mem.h"

/* Keep sorted by name. */
static const struct scm_driver *const scm_drivers[] = {
    &scm_plain,
};

const struct scm_driver *scm_driver_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(scm_drivers); i++)
        if (str_eqz(name, scm_drivers[i]->name))
            return scm_drivers[i];
    return NULL;
}

const char *scm_state_name(enum scm_state state)
{
    switch (state) {
    case SCM_OPEN:
        return "open";
    case SCM_MERGED:
        return "merged";
    case SCM_CLOSED:
        return "closed";
    }
    return "unknown";
}

void scm_proposal_deinit(struct scm_proposal *p)
{
    free(p->title);
    free(p->author);
    free(p->url);
    *p = (struct scm_proposal){0};
}

void scm_proposals_deinit(struct scm_proposals *p)
{
    for (size_t i = 0; i < p->count; i++)
        scm_proposal_deinit(&p->items[i]);
    free(p->items);
    *p = (struct scm_proposals){0};
}
