#include "oci/key.h"
#include "base/base64.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "oci/digest.h"
#include "oci/key_box.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <stdio.h>

#define PEM_ENCRYPTED "ENCRYPTED SIGSTORE PRIVATE KEY"
#define PEM_ENCRYPTED_OLD "ENCRYPTED COSIGN PRIVATE KEY"
#define CURVE "prime256v1" /* OpenSSL's name of P-256 */

struct oci_key {
    EVP_PKEY *pkey;
    bool is_private;
    char id[OCI_DIGEST_MAX];
};

struct oci_key *oci_key_free(struct oci_key *k)
{
    if (k == NULL)
        return NULL;
    EVP_PKEY_free(k->pkey); /* clears the private number */
    free(k);
    return NULL;
}

void oci_secret_deinit(struct buf *secret)
{
    if (secret->p != NULL)
        OPENSSL_cleanse(secret->p, secret->cap);
    buf_deinit(secret);
}

/* --- what kind of key ------------------------------------------------------------------------------ */

static bool is_p256(EVP_PKEY *pkey)
{
    char curve[64];
    size_t n = 0;
    return EVP_PKEY_get_group_name(pkey, curve, sizeof(curve), &n) == 1 &&
        strcmp(curve, CURVE) == 0;
}

static enum err_kind check_type(EVP_PKEY *pkey, struct err *err)
{
    const char *type = EVP_PKEY_get0_type_name(pkey);
    if (type != NULL && strcmp(type, "EC") == 0 && is_p256(pkey))
        return ERR_OK;
    return err_set(
        err, ERR_INVALID, "it is %s key%s; images are signed with EC keys on curve P-256 only",
        type == NULL                       ? "an unknown"
            : strcmp(type, "EC") == 0      ? "an EC"
            : strcmp(type, "RSA") == 0     ? "an RSA"
            : strcmp(type, "ED25519") == 0 ? "an Ed25519"
                                           : "another",
        type != NULL && strcmp(type, "EC") == 0 ? " on another curve" : "");
}

/* Takes over pkey, also when it fails. */
static enum err_kind
key_of(EVP_PKEY *take_pkey, bool is_private, struct oci_key **ret, struct err *err)
{
    unsigned char *der = NULL;
    autorelease(oci_key_free) struct oci_key *k = mem_new(struct oci_key);
    k->pkey = take_pkey;
    k->is_private = is_private;
    enum err_kind r = check_type(k->pkey, err);
    if (r != ERR_OK)
        return r;
    int n = i2d_PUBKEY(k->pkey, &der);
    if (n <= 0)
        return err_set(err, ERR_INVALID, "its public half cannot be worked out");
    oci_digest_of(str_of((const char *)der, (size_t)n), k->id);
    OPENSSL_free(der);
    *ret = steal(&k);
    return ERR_OK;
}

enum err_kind oci_key_generate(struct oci_key **ret, struct err *err)
{
    EVP_PKEY *pkey = EVP_EC_gen(CURVE);
    if (pkey == NULL)
        return err_set(err, ERR_INTERNAL, "no key could be made");
    return key_of(pkey, true, ret, err);
}

/* --- PEM files -------------------------------------------------------------------------------------- */

/* One block of a PEM file (RFC 7468); `der` is wiped, for it may be a private key. */
struct block {
    char *name;
    char *header; /* "Proc-Type: 4,ENCRYPTED" of old files; else empty */
    unsigned char *der;
    long n;
};

static void block_deinit(struct block *b)
{
    OPENSSL_free(b->name);
    OPENSSL_free(b->header);
    if (b->der != NULL)
        OPENSSL_clear_free(b->der, (size_t)b->n);
    *b = (struct block){0};
}

static bool read_block(BIO *bio, struct block *ret)
{
    block_deinit(ret);
    return PEM_read_bio(bio, &ret->name, &ret->header, &ret->der, &ret->n) == 1;
}

/* The one block that the file is about; openssl writes the curve's parameters before an EC key. A second
 * key would be one that nobody looks at. */
static enum err_kind read_only_block(struct str pem, struct block *ret, struct err *err)
{
    if (pem.n > OCI_KEY_FILE_MAX)
        return err_set(err, ERR_LIMIT, "it is larger than a key file can be");
    struct block next = {0};
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    bool is_there = bio != NULL && read_block(bio, ret);
    if (is_there && strcmp(ret->name, "EC PARAMETERS") == 0)
        is_there = read_block(bio, ret);
    bool is_more = is_there && read_block(bio, &next);
    block_deinit(&next);
    BIO_free(bio);
    if (!is_there)
        return err_set(err, ERR_INVALID, "it is not a key in PEM form (-----BEGIN …)");
    if (is_more)
        return err_set(err, ERR_INVALID, "it holds more than one key: a file is for one");
    return ERR_OK;
}

static enum err_kind unknown_block(const struct block *b, const char *wanted, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    const char *name = b->name;
    if (strcmp(name, "ENCRYPTED PRIVATE KEY") == 0 || strstr(b->header, "ENCRYPTED") != NULL)
        return err_set(
            err, ERR_INVALID,
            "it is encrypted in openssl's way, which is not read: decrypt it (openssl pkey), or "
            "make a key with 'cup image keygen'");
    if (strcmp(name, "CERTIFICATE") == 0)
        return err_set(err, ERR_INVALID, "it is a certificate; give its public key");
    if (str_ends(str_from(name), STR("PRIVATE KEY")))
        return err_set(
            err, ERR_INVALID, "it is a private key (%s), but %s is needed",
            oci_show(str_from(name), shown), wanted);
    return err_set(
        err, ERR_INVALID, "it is '%s', but %s is needed", oci_show(str_from(name), shown), wanted);
}

enum err_kind
oci_key_parse_public(struct str pem, const char *where, struct oci_key **ret, struct err *err)
{
    CLEANUP(block_deinit) struct block b = {0};
    enum err_kind r = read_only_block(pem, &b, err);
    if (r == ERR_OK && strcmp(b.name, "PUBLIC KEY") != 0)
        r = unknown_block(&b, "the public half (as in cosign.pub)", err);
    if (r == ERR_OK) {
        const unsigned char *at = b.der;
        EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, b.n);
        r = pkey == NULL ? err_set(err, ERR_INVALID, "its bytes are not a public key")
                         : key_of(pkey, false, ret, err);
    }
    return r == ERR_OK ? r : err_wrap(err, "key '%s'", where);
}

static enum err_kind key_of_der(struct str der, struct oci_key **ret, struct err *err)
{
    const unsigned char *at = (const unsigned char *)der.p;
    EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &at, (long)der.n);
    if (pkey == NULL)
        return err_set(err, ERR_INVALID, "its bytes are not a private key");
    return key_of(pkey, true, ret, err);
}

static enum err_kind open_encrypted(
    struct str json,
    enum err_kind (*password)(void *data, struct buf *ret, struct err *err),
    void *data,
    struct oci_key **ret,
    struct err *err)
{
    auto_secret struct buf secret = {0};
    auto_secret struct buf der = {0};
    if (password == NULL)
        return err_set(err, ERR_UNAUTHENTICATED, "it is encrypted, and there is no password");
    enum err_kind r = password(data, &secret, err);
    if (r == ERR_OK)
        r = key_box_open(json, buf_view(&secret), &der, err);
    return r == ERR_OK ? key_of_der(buf_view(&der), ret, err) : r;
}

enum err_kind oci_key_parse_private(
    struct str pem,
    const char *where,
    enum err_kind (*password)(void *data, struct buf *ret, struct err *err),
    void *data,
    struct oci_key **ret,
    struct err *err)
{
    CLEANUP(block_deinit) struct block b = {0};
    enum err_kind r = read_only_block(pem, &b, err);
    if (r != ERR_OK)
        return err_wrap(err, "key '%s'", where);
    struct str body = str_of((const char *)b.der, (size_t)b.n);
    if (strcmp(b.name, PEM_ENCRYPTED) == 0 || strcmp(b.name, PEM_ENCRYPTED_OLD) == 0)
        r = open_encrypted(body, password, data, ret, err);
    else if (
        b.header[0] == '\0' &&
        (strcmp(b.name, "PRIVATE KEY") == 0 || strcmp(b.name, "EC PRIVATE KEY") == 0 ||
         strcmp(b.name, "RSA PRIVATE KEY") == 0))
        r = key_of_der(body, ret, err);
    else
        r = unknown_block(&b, "the private key (as in cosign.key)", err);
    return r == ERR_OK ? r : err_wrap(err, "key '%s'", where);
}

/* --- writing ---------------------------------------------------------------------------------------- */

/* RFC 7468: 64 characters a line. */
static void write_pem(struct buf *to, const char *name, struct str bytes)
{
    autobuf struct buf text = {0};
    base64_encode(&text, bytes);
    buf_printf(to, "-----BEGIN %s-----\n", name);
    struct str rest = buf_view(&text);
    for (; rest.n > 0; rest = str_skip(rest, 64)) {
        buf_str(to, str_take(rest, 64));
        buf_char(to, '\n');
    }
    buf_printf(to, "-----END %s-----\n", name);
}

void oci_key_write_public(const struct oci_key *k, struct buf *to)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(k->pkey, &der);
    if (n <= 0) {
        to->is_failed = true;
        return;
    }
    write_pem(to, "PUBLIC KEY", str_of((const char *)der, (size_t)n));
    OPENSSL_free(der);
}

enum err_kind
oci_key_write_private(const struct oci_key *k, struct str password, struct buf *to, struct err *err)
{
    autobuf struct buf box = {0};
    unsigned char *der = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(k->pkey);
    int n = info == NULL ? 0 : i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    PKCS8_PRIV_KEY_INFO_free(info);
    if (n <= 0)
        return err_set(err, ERR_INTERNAL, "the private key cannot be written");
    enum err_kind r = key_box_seal(str_of((const char *)der, (size_t)n), password, &box, err);
    OPENSSL_clear_free(der, (size_t)n);
    if (r != ERR_OK)
        return r;
    write_pem(to, PEM_ENCRYPTED, buf_view(&box));
    return buf_check(to, "the key file", err);
}

/* --- use -------------------------------------------------------------------------------------------- */

const char *oci_key_id(const struct oci_key *k)
{
    return k->id;
}

void oci_key_hint(const struct oci_key *k, struct buf *to)
{
    unsigned char *der = NULL;
    uint8_t digest[SHA256_BYTES];
    int n = i2d_PUBKEY(k->pkey, &der);
    if (n <= 0) {
        to->is_failed = true;
        return;
    }
    sha256_of(str_of((const char *)der, (size_t)n), digest);
    OPENSSL_free(der);
    base64_encode(to, str_of((const char *)digest, sizeof(digest)));
}

enum err_kind
oci_key_sign(const struct oci_key *k, struct str bytes, struct buf *to, struct err *err)
{
    unsigned char der[OCI_SIGNATURE_BYTES_MAX];
    size_t n = sizeof(der);
    if (!k->is_private)
        return err_set(err, ERR_INVALID, "a public key cannot sign");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_done = ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->pkey) == 1 &&
        EVP_DigestSign(ctx, der, &n, (const unsigned char *)bytes.p, bytes.n) == 1;
    EVP_MD_CTX_free(ctx);
    if (!is_done)
        return err_set(err, ERR_INTERNAL, "signing failed");
    buf_add(to, der, n);
    return ERR_OK;
}

bool oci_key_verifies(const struct oci_key *k, struct str bytes, struct str signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool holds = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, k->pkey) == 1 &&
        EVP_DigestVerify(
            ctx, (const unsigned char *)signature.p, signature.n, (const unsigned char *)bytes.p,
            bytes.n) == 1;
    EVP_MD_CTX_free(ctx);
    return holds;
}
