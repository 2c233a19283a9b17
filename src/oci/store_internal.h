/* What the files store*.c share. */
#pragma once

#include "oci/internal.h"
#include "oci/store.h"
#include "oci/store_graph.h"

/* The layout that `where` means; its layout is NULL when that is the session's store and it is not there. */
enum err_kind store_open(
    struct oci_session *s,
    const struct oci_ref *where,
    struct oci_place *ret,
    struct err *err) MUST_USE;
/* When the root's image was last used. */
int64_t store_used_unix_s(const struct store_graph *g, const struct store_root *root);
