/*
 * SHA-256, streamed or at once, its hexadecimal form, and the HMAC of it. Over OpenSSL.
 */
#pragma once

#include "base/str.h"

#define SHA256_BYTES 32
#define SHA256_HEX 64

struct sha256 {
    void *ctx; /* EVP_MD_CTX */
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *p, size_t n);
/* The digest of all that was added; releases the context. */
void sha256_end(struct sha256 *s, uint8_t ret_digest[SHA256_BYTES]);
void sha256_deinit(struct sha256 *s); /* for the way out without an end; harmless after it */

void sha256_of(struct str bytes, uint8_t ret_digest[SHA256_BYTES]);
/* Lower-case hexadecimal and a NUL. */
void sha256_hex(const uint8_t digest[SHA256_BYTES], char ret_hex[SHA256_HEX + 1]);
void sha256_hex_of(struct str bytes, char ret_hex[SHA256_HEX + 1]);

/* RFC 2104. */
void sha256_hmac(struct str key, struct str bytes, uint8_t ret_mac[SHA256_BYTES]);
/* Are they equal? For secrets: how long it takes tells neither where they differ nor, of the one that is
 * secret, how long it is. */
bool sha256_is_same(struct str a, struct str b);
