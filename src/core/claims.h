/*
 * Ids of proposals that are being opened: writers of one object that come at the same time and find no
 * open proposal get the same id, so that the second one meets the first at the ref's compare-and-swap
 * and goes on over its commit. Nobody waits. Of this process only: two replicas may open one each.
 */
#pragma once

#include "base/ids.h"
#include "core/objects_of.h"

struct core_claims;
struct core_claim;
struct core_claims *core_claims_new(void);
struct core_claims *core_claims_free(struct core_claims *c);

/* The id that whoever works on just these objects uses now. wanted: one's own; NULL: any. The first one's counts.
 * threads: any. */
struct core_claim *
core_claims_take(struct core_claims *c, const struct core_objects *objects, const char *wanted);
const char *core_claim_id(const struct core_claim *claim);
/*
 * May who wanted this id (NULL: none) make the proposal now? Not once somebody did: take another claim. Nor
 * where the id is another one's own, made of his key: his retry must not find what he did not ask for. Then
 * wait for him.
 */
bool core_claim_may_open(struct core_claims *c, const struct core_claim *claim, const char *wanted);
/* The proposal is there: who comes from now on finds it, or gets another id. */
void core_claim_use(struct core_claims *c, struct core_claim *claim);
/* NULL is fine; returns NULL. */
struct core_claim *core_claim_drop(struct core_claims *c, struct core_claim *claim);
