#include "scm/drivers.h"

#include "base/mem.h"

#include <stdio.h>

/* Keep sorted by name. */
static const struct scm_driver *const scm_drivers[] = {
    &scm_gitea,
    &scm_github,
    &scm_gitlab,
    &scm_plain,
};

const struct scm_driver *scm_driver_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(scm_drivers); i++)
        if (str_eqz(name, scm_drivers[i]->name))
            return scm_drivers[i];
    return NULL;
}

const char *scm_driver_names(char ret[SCM_NAMES_MAX])
{
    size_t n = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(scm_drivers) && n < SCM_NAMES_MAX; i++)
        n += (size_t)snprintf(
            ret + n, SCM_NAMES_MAX - n, "%s%s", i == 0 ? "" : ", ", scm_drivers[i]->name);
    return ret;
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
    for (size_t i = 0; i < p->label_count; i++)
        free(p->labels[i]);
    free(p->labels);
    free(p->title);
    free(p->body);
    free(p->author);
    free(p->url);
    free(p->blocked);
    *p = (struct scm_proposal){0};
}

void scm_proposals_deinit(struct scm_proposals *p)
{
    for (size_t i = 0; i < p->count; i++)
        scm_proposal_deinit(&p->items[i]);
    free(p->items);
    *p = (struct scm_proposals){0};
}
