/*
 * Where calls of a controller spent their time, for people and programs: one call function by function,
 * many calls as minimum, median and 99th percentile.
 */
#pragma once

#include "base/err.h"
#include "wasmhost/wasmhost.h"

struct cli;

/* total_ns: the whole call, judging its result included. In the run's form of output. */
enum err_kind cli_profile_print(
    struct cli *c, const struct wasmhost_profile *p, uint64_t total_ns, struct err *err) MUST_USE;

/* What is kept of one of many calls. */
struct cli_sample {
    uint64_t total_ns;
    uint64_t instantiate_ns;
    uint64_t guest_ns;
    uint64_t host_ns;
};
struct cli_sample cli_sample_of(const struct wasmhost_profile *p, uint64_t total_ns);
/* count is at least 1. */
enum err_kind cli_samples_print(
    struct cli *c, const struct cli_sample *samples, size_t count, struct err *err) MUST_USE;
