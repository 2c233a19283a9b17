/* What the commands on the local store as a whole share. */
#pragma once

#include "oci/store.h"

struct cli;

/* The one argument oci-layout:DIR of such a command: *ret_where is `storage` then, and NULL, for the
 * store, without one. USAGE for anything else. */
enum err_kind cli_layout_arg(
    struct cli *c,
    struct oci_ref *storage,
    const struct oci_ref **ret_where,
    struct err *err) MUST_USE;

/* Prune and tell what went. */
enum err_kind cli_prune(
    struct cli *c,
    struct oci_session *session,
    const struct oci_ref *where,
    const struct oci_prune_options *options,
    struct err *err) MUST_USE;
