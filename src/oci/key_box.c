#include "oci/key_box.h"
#include "base/base64.h"
#include "base/ids.h"
#include "json/json.h"

#include <openssl/crypto.h>
#include <sodium.h>

/*
 * What a file may ask of us: cosign has written N = 2^15 and 2^16 and may write 2^17, always with r = 8
 * and p = 1. More would let a file that somebody hands over take memory and time at will
 * (128 * N * r bytes: 128 MiB at most); less is not what these tools make.
 */
enum { N_LEAST = 1 << 15, N_MOST = 1 << 17, N_WRITTEN = 1 << 16, R = 8, P = 1, SALT_BYTES = 32 };
#define SALT_MAX 64
#define PLAIN_MAX ((size_t)16 << 10)

struct box {
    uint64_t n;
    struct buf salt;
    struct buf nonce;
    struct buf sealed;
};

static void box_deinit(struct box *b)
{
    buf_deinit(&b->salt);
    buf_deinit(&b->nonce);
    buf_deinit(&b->sealed);
}

/* --- reading -------------------------------------------------------------------------------------- */

static bool read_number(yyjson_val *object, const char *key, uint64_t *ret)
{
    yyjson_val *val = json_get(object, key);
    return yyjson_is_raw(val) && str_to_u64(str_of(yyjson_get_raw(val), yyjson_get_len(val)), ret);
}

static bool is_named(yyjson_val *object, const char *name)
{
    return str_eqz(json_str(json_get(object, "name")), name);
}

static bool read_bytes(yyjson_val *object, const char *key, size_t max, struct buf *ret)
{
    struct str text = json_str(json_get(object, key));
    ret->max = max;
    return text.p != NULL && base64_decode(ret, text) && !ret->is_failed && ret->n > 0;
}

static enum err_kind check_cost(uint64_t n, uint64_t r, uint64_t p, struct err *err)
{
    bool is_power = n != 0 && (n & (n - 1)) == 0;
    if (is_power && n >= N_LEAST && n <= N_MOST && r == R && p == P)
        return ERR_OK;
    return err_set(
        err, ERR_INVALID,
        "its scrypt parameters are out of bounds: N must be 2^15 to 2^17, r %d and p %d", R, P);
}

static enum err_kind read_box(yyjson_val *root, struct box *ret, struct err *err)
{
    uint64_t r, p;
    yyjson_val *kdf = json_get(root, "kdf");
    yyjson_val *cipher = json_get(root, "cipher");
    yyjson_val *params = json_get(kdf, "params");
    if (!is_named(kdf, "scrypt") || !is_named(cipher, "nacl/secretbox"))
        return err_set(err, ERR_INVALID, "it is not encrypted by scrypt and nacl/secretbox");
    if (!read_number(params, "N", &ret->n) || !read_number(params, "r", &r) ||
        !read_number(params, "p", &p))
        return err_set(err, ERR_INVALID, "its scrypt parameters are missing");
    if (!read_bytes(kdf, "salt", SALT_MAX, &ret->salt) ||
        !read_bytes(cipher, "nonce", crypto_secretbox_NONCEBYTES, &ret->nonce) ||
        ret->nonce.n != crypto_secretbox_NONCEBYTES ||
        !read_bytes(root, "ciphertext", PLAIN_MAX, &ret->sealed) ||
        ret->sealed.n <= crypto_secretbox_MACBYTES)
        return err_set(err, ERR_INVALID, "its salt, nonce or ciphertext is missing or misshapen");
    return check_cost(ret->n, r, p, err);
}

/* --- the box -------------------------------------------------------------------------------------- */

static enum err_kind derive(
    const struct box *b,
    struct str password,
    uint8_t ret_key[crypto_secretbox_KEYBYTES],
    struct err *err)
{
    const uint8_t *text = (const uint8_t *)(password.n > 0 ? password.p : "");
    if (sodium_init() < 0 ||
        crypto_pwhash_scryptsalsa208sha256_ll(
            text, password.n, (const uint8_t *)b->salt.p, b->salt.n, b->n, R, P, ret_key,
            crypto_secretbox_KEYBYTES) != 0)
        return err_set(err, ERR_INTERNAL, "no memory to derive a key from the password");
    return ERR_OK;
}

enum err_kind key_box_open(struct str json, struct str password, struct buf *ret, struct err *err)
{
    auto_json struct json_doc doc = {0};
    CLEANUP(box_deinit) struct box b = {0};
    uint8_t key[crypto_secretbox_KEYBYTES];
    enum err_kind r = json_parse(json, JSON_STRICT, &doc, err);
    if (r != ERR_OK)
        return err_as(err, ERR_INVALID);
    r = read_box(doc.root, &b, err);
    if (r == ERR_OK)
        r = derive(&b, password, key, err);
    if (r != ERR_OK)
        return r;
    size_t n = b.sealed.n - crypto_secretbox_MACBYTES;
    uint8_t *plain = (uint8_t *)buf_reserve(ret, n);
    bool is_open = plain != NULL &&
        crypto_secretbox_open_easy(
            plain, (const uint8_t *)b.sealed.p, b.sealed.n, (const uint8_t *)b.nonce.p, key) == 0;
    OPENSSL_cleanse(key, sizeof(key));
    if (!is_open)
        return err_set(err, ERR_UNAUTHENTICATED, "the password is wrong, or the file is damaged");
    ret->n += n;
    return ERR_OK;
}

static void add_random(struct buf *to, size_t n)
{
    char *at = buf_reserve(to, n);
    if (at == NULL)
        return;
    id_random(at, n);
    to->n += n;
}

/* The members and their order are those that cosign writes. */
static void write_box(const struct box *b, struct buf *to)
{
    buf_printf(
        to, "{\"kdf\":{\"name\":\"scrypt\",\"params\":{\"N\":%d,\"r\":%d,\"p\":%d},\"salt\":\"",
        N_WRITTEN, R, P);
    base64_encode(to, buf_view(&b->salt));
    buf_text(to, "\"},\"cipher\":{\"name\":\"nacl/secretbox\",\"nonce\":\"");
    base64_encode(to, buf_view(&b->nonce));
    buf_text(to, "\"},\"ciphertext\":\"");
    base64_encode(to, buf_view(&b->sealed));
    buf_text(to, "\"}");
}

enum err_kind key_box_seal(struct str plain, struct str password, struct buf *to, struct err *err)
{
    CLEANUP(box_deinit) struct box b = {.n = N_WRITTEN};
    uint8_t key[crypto_secretbox_KEYBYTES];
    add_random(&b.salt, SALT_BYTES);
    add_random(&b.nonce, crypto_secretbox_NONCEBYTES);
    uint8_t *sealed = (uint8_t *)buf_reserve(&b.sealed, plain.n + crypto_secretbox_MACBYTES);
    if (b.salt.n != SALT_BYTES || b.nonce.n != crypto_secretbox_NONCEBYTES || sealed == NULL)
        return err_set(err, ERR_INTERNAL, "no memory to encrypt a key");
    enum err_kind r = derive(&b, password, key, err);
    if (r != ERR_OK)
        return r;
    crypto_secretbox_easy(
        sealed, (const uint8_t *)plain.p, plain.n, (const uint8_t *)b.nonce.p, key);
    OPENSSL_cleanse(key, sizeof(key));
    b.sealed.n = plain.n + crypto_secretbox_MACBYTES;
    write_box(&b, to);
    return buf_check(to, "the key file", err);
}
