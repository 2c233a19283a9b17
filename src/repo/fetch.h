/*
 * What fetch.c and its neighbours share: the remote's refs, and a pack on its way into the clone.
 */
#pragma once

#include "repo/internal.h"
#include "repo/pack_scan.h"
#include "repo/quarantine.h"
#include "repo/wire.h"

/* The remote's branch and cup's own refs as it has them now. As repo_fetch. */
enum err_kind repo_remote_refs(
    const struct wire *w,
    const char *branch_ref,
    struct wire_advert *ret,
    struct err *err) MUST_USE;

/* TIMEOUT, CANCELLED: its time is over, or it was called off. */
enum err_kind fetch_is_over(const struct wire *w, struct err *err) MUST_USE;

/* The answer to a fetch request; take is a wire_reader's. Nothing is in the clone before release. */
struct fetch_pack {
    struct repo *repo;
    const struct wire *wire;
    int version;
    struct quarantine quarantine;
    struct pack_scan *scan;
    git_indexer *indexer;
    git_indexer_progress stats; /* one for all calls: the indexer counts in it */
    bool is_packfile;           /* version 2: that section has begun */
    bool has_data;
    bool is_done;
};
enum err_kind
fetch_pack_take(void *data, enum wire_pkt_kind kind, struct str payload, struct err *err) MUST_USE;
/* All of it has come; each object's bytes and format are checked, not what they name. */
enum err_kind fetch_pack_finish(struct fetch_pack *p, struct err *err) MUST_USE;
enum err_kind fetch_pack_release(struct fetch_pack *p, struct err *err) MUST_USE;
void fetch_pack_deinit(struct fetch_pack *p);
#define auto_fetch_pack CLEANUP(fetch_pack_deinit)

/*
 * Is all there that the remote's refs name, beyond what the clone's refs named before? Walked from the
 * refs, new trees against their parents'.
 *
 * in     the clone, or its quarantine
 * fails  FAILED: something is missing or no good; TIMEOUT, CANCELLED, LIMIT
 */
enum err_kind fetch_check(
    struct repo *in,
    const struct wire *w,
    const struct repo_refs *there,
    const struct repo_refs *here,
    struct err *err) MUST_USE;
