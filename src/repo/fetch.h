/*
 * What fetch.c and its neighbours share: the remote's refs, and a pack on its way into the clone.
 */
#pragma once

#include "repo/internal.h"
#include "repo/wire.h"

/* The remote's branch and cup's own refs as it has them now. As repo_fetch. */
enum err_kind repo_remote_refs(
    const struct wire *w,
    const char *branch_ref,
    struct wire_advert *ret,
    struct err *err) MUST_USE;

/* The answer to a fetch request; take is a wire_reader's. Nothing is in the clone before finish. */
struct fetch_pack {
    struct repo *repo;
    int version;
    git_indexer *indexer;
    git_indexer_progress stats; /* one for all calls: the indexer counts in it */
    bool is_packfile;           /* version 2: that section has begun */
    bool has_data;
    bool is_done;
    uint64_t bytes;
    uint64_t objects_max;
};
enum err_kind
fetch_pack_take(void *data, enum wire_pkt_kind kind, struct str payload, struct err *err) MUST_USE;
/* Into the clone, checked: every object's bytes and format, and that what they name is there. */
enum err_kind fetch_pack_finish(struct fetch_pack *p, struct err *err) MUST_USE;
void fetch_pack_deinit(struct fetch_pack *p);
