#include "http/prebuilt.h"

#include "base/mem.h"

enum {
    SLOTS = 256,          /* a newer answer takes the place of an older one */
    BYTES_MAX = 16 << 10, /* of one body: all of them together are bounded by this */
};

/* The response holds a reference to the owner: as long as it stands here, no other owner can have the
 * same address. */
struct slot {
    const void *owner;
    const char *content_type;
    struct MHD_Response *response;
};

struct http_prebuilt {
    pthread_mutex_t lock; /* of all below; a leaf but for the library's own */
    struct slot slots[SLOTS];
};

struct http_prebuilt *http_prebuilt_new(void)
{
    struct http_prebuilt *b = mem_new(struct http_prebuilt);
    pthread_mutex_init(&b->lock, NULL);
    return b;
}

struct http_prebuilt *http_prebuilt_free(struct http_prebuilt *b)
{
    if (b == NULL)
        return NULL;
    for (size_t i = 0; i < SLOTS; i++) {
        if (b->slots[i].response != NULL)
            MHD_destroy_response(b->slots[i].response);
    }
    pthread_mutex_destroy(&b->lock);
    free(b);
    return NULL;
}

/* What depends on the request, not on the kept bytes, is not shared. */
static bool is_shareable(const struct http_exchange *x)
{
    const struct http_response *p = &x->p;
    return p->status == 200 && p->shared_owner != NULL && p->shared.n > 0 &&
        p->shared.n <= BYTES_MAX && p->header_count == 0 && !x->is_origin_allowed &&
        !x->is_bad_framing && x->stage != HTTP_STAGE_NEW && !atomic_load(&x->server->is_stopping);
}

static struct slot *slot_of(struct http_prebuilt *b, const void *owner)
{
    uintptr_t n = (uintptr_t)owner;
    return &b->slots[(n >> 4 ^ n >> 12 ^ n >> 20) % SLOTS];
}

bool http_prebuilt_answer(
    struct http_prebuilt *b, struct http_exchange *x, enum MHD_Result *ret_result)
{
    if (!is_shareable(x))
        return false;
    const void *owner = x->p.shared_owner;
    struct slot *slot = slot_of(b, owner);
    struct MHD_Response *old = NULL;
    pthread_mutex_lock(&b->lock);
    if (slot->owner != owner || slot->content_type != x->p.content_type) {
        struct MHD_Response *response = http_exchange_response(x);
        if (response == NULL) {
            pthread_mutex_unlock(&b->lock);
            return false;
        }
        old = slot->response;
        *slot = (struct slot){owner, x->p.content_type, response};
    }
    *ret_result = MHD_queue_response(x->mhd, (unsigned)x->p.status, slot->response);
    pthread_mutex_unlock(&b->lock);
    if (old != NULL)
        MHD_destroy_response(old); /* may be the last to release its owner */
    return true;
}
