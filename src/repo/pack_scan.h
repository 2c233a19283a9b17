/*
 * A look at a pack as it comes in, before libgit2's indexer gets its bytes: is it one, and is all that
 * it says of itself within limits? The indexer believes the counts and sizes that stand in a pack, and
 * resolves deltas in memory, so a few hundred bytes could ask for terabytes. Whether objects are good,
 * their hashes right and none missing is the indexer's to say.
 *
 * source  gitformat-pack(5)
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

struct pack_scan;

struct pack_limits {
    uint64_t pack_bytes;
    uint32_t objects;
    uint64_t blob_bytes;   /* of a file that is no delta: it is hashed as it streams by */
    uint64_t object_bytes; /* of what is held in memory: others, deltas, and what deltas make */
};
/* More than any repository we have seen serves, less than what a machine dies of. */
#define PACK_LIMITS_DEFAULT                                                                        \
    ((struct pack_limits){                                                                         \
        .pack_bytes = (uint64_t)16 << 30,                                                          \
        .objects = 20000000,                                                                       \
        .blob_bytes = (uint64_t)8 << 30,                                                           \
        .object_bytes = (uint64_t)512 << 20})

struct pack_scan *pack_scan_new(const struct pack_limits *limits);
struct pack_scan *pack_scan_free(struct pack_scan *s); /* NULL is fine; returns NULL */
#define auto_pack_scan CLEANUP(pack_scan_cleanup)
static inline void pack_scan_cleanup(struct pack_scan **s)
{
    pack_scan_free(*s);
}

/* The next bytes. After OK they may go to the indexer. FAILED: this is no pack; LIMIT names which one. */
enum err_kind pack_scan_add(struct pack_scan *s, struct str bytes, struct err *err) MUST_USE;
/* At the end of what came. FAILED: there should have been more. */
enum err_kind pack_scan_finish(const struct pack_scan *s, struct err *err) MUST_USE;
uint32_t
pack_scan_objects(const struct pack_scan *s); /* as many as it says to hold; 0 before it does */
