#include "oci/digest.h"

#include <inttypes.h>
#include <stdio.h>

static const struct str PREFIX = {"sha256:", 7};

enum err_kind oci_digest_check(struct str digest, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    if (!str_starts(digest, PREFIX))
        return err_set(
            err, ERR_INVALID, "digest '%s' is not of the form sha256:<64 hexadecimal characters>",
            oci_show(digest, shown));
    struct str hex = str_skip(digest, PREFIX.n);
    bool is_hex = hex.n == SHA256_HEX;
    for (size_t i = 0; is_hex && i < hex.n; i++)
        is_hex = (hex.p[i] >= '0' && hex.p[i] <= '9') || (hex.p[i] >= 'a' && hex.p[i] <= 'f');
    if (!is_hex)
        return err_set(
            err, ERR_INVALID,
            "digest '%s' needs 64 lower-case hexadecimal characters after sha256:",
            oci_show(digest, shown));
    return ERR_OK;
}

static void write_digest(const uint8_t raw[SHA256_BYTES], char ret_digest[OCI_DIGEST_MAX])
{
    memcpy(ret_digest, PREFIX.p, PREFIX.n);
    sha256_hex(raw, ret_digest + PREFIX.n);
}

void oci_digest_of(struct str bytes, char ret_digest[OCI_DIGEST_MAX])
{
    uint8_t raw[SHA256_BYTES];
    sha256_of(bytes, raw);
    write_digest(raw, ret_digest);
}

void oci_verifier_init(struct oci_verifier *v, const char *digest, uint64_t size)
{
    *v = (struct oci_verifier){.size = size};
    snprintf(v->digest, sizeof(v->digest), "%s", digest);
    sha256_init(&v->sha);
}

enum err_kind oci_verifier_add(struct oci_verifier *v, const void *p, size_t n, struct err *err)
{
    v->got += n;
    if (v->got > v->size)
        return err_set(
            err, ERR_UNVERIFIED, "%s: size mismatch: descriptor %" PRIu64 ", got ≥ %" PRIu64,
            v->digest, v->size, v->size + 1);
    sha256_add(&v->sha, p, n);
    return ERR_OK;
}

enum err_kind oci_verifier_end(struct oci_verifier *v, struct err *err)
{
    if (v->size != UINT64_MAX && v->got != v->size)
        return err_set(
            err, ERR_UNVERIFIED, "%s: size mismatch: descriptor %" PRIu64 ", got %" PRIu64,
            v->digest, v->size, v->got);
    uint8_t raw[SHA256_BYTES];
    char digest[OCI_DIGEST_MAX];
    sha256_end(&v->sha, raw);
    write_digest(raw, digest);
    if (strcmp(digest, v->digest) != 0)
        return err_set(
            err, ERR_UNVERIFIED, "digest mismatch: wanted %s, got bytes of %s", v->digest, digest);
    return ERR_OK;
}

void oci_verifier_deinit(struct oci_verifier *v)
{
    if (v->sha.ctx != NULL)
        sha256_deinit(&v->sha);
}

char *oci_show(struct str text, char ret[OCI_SHOWN_MAX])
{
    static const size_t ROOM = OCI_SHOWN_MAX - 8; /* one escape, an ellipsis, NUL */
    bool is_utf8 = str_is_utf8(text);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool is_start = !is_utf8 || c < 0x80 || c >= 0xC0;
        if (n >= ROOM - 8 && is_start) { /* a whole UTF-8 sequence still fits before this */
            n += (size_t)snprintf(ret + n, 4, "...");
            break;
        }
        bool is_plain = c >= 0x20 && c != 0x7F && c != '\'' && (c < 0x80 || is_utf8);
        /* U+0080..U+009F are control characters too: C2 80 .. C2 9F */
        if (is_utf8 && c == 0xC2 && (unsigned char)text.p[i + 1] < 0xA0) {
            n += (size_t)snprintf(ret + n, 7, "\\u%04x", (unsigned char)text.p[++i]);
            continue;
        }
        if (is_plain)
            ret[n++] = (char)c;
        else
            n += (size_t)snprintf(ret + n, 5, "\\x%02x", c);
    }
    ret[n] = '\0';
    return ret;
}
