/*
 * Access tokens of registries: asking for them, keeping them until they expire. Internal to auth.c.
 * source: distribution "Token Authentication Specification" and "OAuth2 Token Authentication"
 */
#pragma once

#include "http/client.h"
#include "oci/challenge.h"
#include "oci/credentials.h"

struct oci_tokens;

struct oci_tokens *oci_tokens_new(struct http_client *http); /* http is borrowed */
struct oci_tokens *oci_tokens_free(struct oci_tokens *t);

/* The token for host and scope that has not expired, or NULL; borrowed until the next call. */
const char *oci_tokens_find(struct oci_tokens *t, const char *host, const char *scope);
void oci_tokens_forget(struct oci_tokens *t, const char *host, const char *scope);
/* Ask the challenge's realm, which was checked, and keep the answer. UNAUTHENTICATED, DENIED, FAILED. */
enum err_kind oci_tokens_fetch(
    struct oci_tokens *t,
    const char *host,
    const char *scope,
    const struct oci_challenge *challenge,
    const struct oci_credential *credential,
    struct err *err) MUST_USE;

/* "Basic …" on the heap. */
char *oci_basic_authorization(const struct oci_credential *c);
