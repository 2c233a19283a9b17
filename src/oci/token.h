/*
 * Access tokens of registries: asking for them, keeping them until they expire. Internal to auth.c.
 * Any number of threads at once; a token is asked for once however many wait for it.
 * source: distribution "Token Authentication Specification" and "OAuth2 Token Authentication"
 */
#pragma once

#include "http/client.h"
#include "http/retry.h"
#include "oci/challenge.h"
#include "oci/credentials.h"

struct oci_tokens;

/* Both are borrowed; requests are tried again as `retry` says. */
struct oci_tokens *oci_tokens_new(struct http_client *http, const struct http_retry *retry);
struct oci_tokens *oci_tokens_free(struct oci_tokens *t);

/* The token for that host and key that has not expired, or NULL; on the heap, a secret. */
char *oci_tokens_find(struct oci_tokens *t, const char *host, const char *key);

struct oci_token_ask {
    const char *host;
    const char *key;    /* oci_scopes_join of what the request needs */
    const char *scopes; /* what is asked for: these and the challenge's; blanks between */
    const struct oci_challenge *challenge; /* its realm was checked */
    const struct oci_credential *credential;
    enum http_nearness nearest; /* of the realm's address, see http/client.h */
    bool with_client_cert;      /* the realm is on the registry's own origin */
};
/*
 * A token other than `refused` (NULL: any): the one that somebody else got meanwhile, or a new one from
 * the challenge's realm, which is kept. ret as oci_tokens_find. UNAUTHENTICATED, DENIED, FAILED, and the
 * kinds of http_client_do; who waited for another's request shares its failure.
 */
enum err_kind oci_tokens_fetch(
    struct oci_tokens *t,
    const struct oci_token_ask *ask,
    const char *refused,
    char **ret,
    struct err *err) MUST_USE;

/* "Basic …" on the heap. */
char *oci_basic_authorization(const struct oci_credential *c);
/* Append "<before>name=value", value encoded (RFC 3986, section 2.3). */
void oci_query_add(struct buf *to, char before, const char *name, const char *value);
