/* What the commands on the local store as a whole share. */
#pragma once

#include "cli/transport.h"
#include "oci/store.h"

/* What such a command works on; stays where it is while it is open. */
struct cli_store {
    struct cli_images images;
    struct oci_ref layout;
    const struct oci_ref *where; /* the command's one argument, oci-layout:DIR; NULL: the store */
};
/* USAGE for any other argument. */
enum err_kind cli_store_open(
    struct cli *c,
    const struct cli_transport *transport,
    struct cli_store *ret,
    struct err *err) MUST_USE;
void cli_store_close(struct cli_store *store);
#define auto_store CLEANUP(cli_store_close)

/* Prune and tell what went. */
enum err_kind cli_prune(
    struct cli *c,
    struct oci_session *session,
    const struct oci_ref *where,
    const struct oci_prune_options *options,
    struct err *err) MUST_USE;
