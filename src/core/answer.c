/* Answers of reads: made once, shared by reference count. */
#include "base/mem.h"
#include "core/internal.h"

#include <stdio.h>

struct core_answer *core_answer_new(enum err_kind kind, struct str bytes, const char *etag)
{
    struct core_answer *a = mem_alloc(sizeof(*a) + bytes.n + 1);
    a->refs = 1;
    a->kind = kind;
    a->n = bytes.n;
    if (bytes.n > 0)
        memcpy(a->bytes, bytes.p, bytes.n);
    snprintf(a->etag, sizeof(a->etag), "%s", etag);
    return a;
}

struct core_answer *core_answer_ref(struct core_answer *a)
{
    __atomic_add_fetch(&a->refs, 1, __ATOMIC_RELAXED);
    return a;
}

struct core_answer *core_answer_unref(struct core_answer *a)
{
    if (a != NULL && __atomic_sub_fetch(&a->refs, 1, __ATOMIC_ACQ_REL) == 0)
        free(a);
    return NULL;
}
