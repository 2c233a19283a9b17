/*
 * Sets of token scopes ("repository:a/b:pull,push"): what a request needs, what a challenge asks for and
 * what a token grants, as one "resource:action" each, so that they can be merged and compared.
 * source: distribution "Token Scope Documentation"
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#define OCI_SCOPES_MAX 64

/* Sorted, none twice. A zeroed one is the empty set. */
struct oci_scopes {
    char *items[OCI_SCOPES_MAX]; /* "repository:a/b:pull" */
    size_t count;
};
void oci_scopes_deinit(struct oci_scopes *s);
#define auto_oci_scopes CLEANUP(oci_scopes_deinit)

/* Add the scopes of a text with blanks between them. What is beyond OCI_SCOPES_MAX is left out: a
 * registry that asks for more gets a token that does not do, and the request fails by that. */
void oci_scopes_add(struct oci_scopes *to, struct str text);
/* "a/b" of a text that starts with "repository:a/b:…"; else empty. A name may hold one ':' (a port). */
struct str oci_scope_repository(struct str text);
/* As scopes with their actions together, one after the other with a blank between; on the heap. The same
 * set gives the same text: a cache key. */
char *oci_scopes_join(const struct oci_scopes *s);
/* Add what a token says that it grants, where it is a JWT with an "access" claim; false: it does not say.
 * For messages only: nothing of it is verified. source: distribution "Token Authentication Implementation" */
bool oci_scopes_of_token(struct oci_scopes *to, struct str token);
/* The first action that `granted` lacks, or NULL; borrowed from `asked`. */
const char *oci_scopes_missing(const struct oci_scopes *asked, const struct oci_scopes *granted);
/* "action 'push' on 'repository:a/b'" of such an item, made fit to be shown. */
#define OCI_SCOPE_SHOWN_MAX 400
char *oci_scope_show(const char *item, char ret[OCI_SCOPE_SHOWN_MAX]);
