#include "base/sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

/* OpenSSL fails here only without memory, where base/mem.h aborts as well. */
static void need(int ok)
{
    if (ok != 1)
        abort();
}

void sha256_init(struct sha256 *s)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    need(ctx != NULL);
    need(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL));
    s->ctx = ctx;
}

void sha256_add(struct sha256 *s, const void *p, size_t n)
{
    if (n > 0)
        need(EVP_DigestUpdate(s->ctx, p, n));
}

void sha256_end(struct sha256 *s, uint8_t ret_digest[SHA256_BYTES])
{
    need(EVP_DigestFinal_ex(s->ctx, ret_digest, NULL));
    sha256_deinit(s);
}

void sha256_deinit(struct sha256 *s)
{
    EVP_MD_CTX_free(s->ctx);
    s->ctx = NULL;
}

void sha256_of(struct str bytes, uint8_t ret_digest[SHA256_BYTES])
{
    struct sha256 s;
    sha256_init(&s);
    sha256_add(&s, bytes.p, bytes.n);
    sha256_end(&s, ret_digest);
}

void sha256_hex(const uint8_t digest[SHA256_BYTES], char ret_hex[SHA256_HEX + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        ret_hex[2 * i] = digits[digest[i] >> 4];
        ret_hex[2 * i + 1] = digits[digest[i] & 15];
    }
    ret_hex[SHA256_HEX] = '\0';
}

void sha256_hex_of(struct str bytes, char ret_hex[SHA256_HEX + 1])
{
    uint8_t digest[SHA256_BYTES];
    sha256_of(bytes, digest);
    sha256_hex(digest, ret_hex);
}

void sha256_hmac(struct str key, struct str bytes, uint8_t ret_mac[SHA256_BYTES])
{
    const unsigned char *data = (const unsigned char *)bytes.p;
    need(HMAC(EVP_sha256(), key.p, (int)key.n, data, bytes.n, ret_mac, NULL) != NULL);
}

bool sha256_is_same(struct str a, struct str b)
{
    uint8_t digests[2][SHA256_BYTES];
    sha256_of(a, digests[0]);
    sha256_of(b, digests[1]);
    return CRYPTO_memcmp(digests[0], digests[1], SHA256_BYTES) == 0;
}
