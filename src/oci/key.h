/*
 * Keys that sign and verify images: EC on P-256, as cosign makes them. Reading and writing their files,
 * signing bytes, checking a signature. What is signed is sig_simple.c's and sig_bundle.c's.
 * source: RFC 5915 (EC), RFC 5958 (PKCS#8), RFC 5280 (SubjectPublicKeyInfo); FIPS 186-5 (ECDSA)
 */
#pragma once

#include "base/buf.h"
#include "oci/ref.h"

#define OCI_KEY_FILE_MAX ((size_t)64 << 10)
#define OCI_SIGNATURE_BYTES_MAX 80 /* DER of two numbers of 32 bytes */

struct oci_key; /* immutable once made: any number of threads at once */
struct oci_key *oci_key_free(struct oci_key *k); /* wipes what is secret */
DEFINE_CLEANUP(struct oci_key, oci_key_free)

/* Wipes the bytes (all that the buffer has room for) and releases them: for passwords and private keys. */
void oci_secret_deinit(struct buf *secret);
#define auto_secret CLEANUP(oci_secret_deinit)

enum err_kind oci_key_generate(struct oci_key **ret, struct err *err) MUST_USE;

/*
 * The public key of a PEM file ("PUBLIC KEY"). INVALID: not such a file, more than one key in it, or a
 * key of another type or curve; the text says which. `where` names the file in errors.
 */
enum err_kind oci_key_parse_public(
    struct str pem, const char *where, struct oci_key **ret, struct err *err) MUST_USE;

/*
 * The private key of a PEM file: cosign's "ENCRYPTED SIGSTORE PRIVATE KEY" (or "… COSIGN …"), PKCS#8
 * "PRIVATE KEY", "EC PRIVATE KEY".
 *
 * password  asked only where the file is encrypted; fills ret (wiped here) or fails. May be NULL: then
 *           an encrypted file is UNAUTHENTICATED
 * fails     INVALID as oci_key_parse_public, and where the encryption's parameters are out of bounds;
 *           UNAUTHENTICATED: wrong password
 */
enum err_kind oci_key_parse_private(
    struct str pem,
    const char *where,
    enum err_kind (*password)(void *data, struct buf *ret, struct err *err),
    void *data,
    struct oci_key **ret,
    struct err *err) MUST_USE;

/* Append the PEM text: "PUBLIC KEY"; "ENCRYPTED SIGSTORE PRIVATE KEY" under that password. */
void oci_key_write_public(const struct oci_key *k, struct buf *to);
enum err_kind oci_key_write_private(
    const struct oci_key *k, struct str password, struct buf *to, struct err *err) MUST_USE;

/* "sha256:" and the digest of its SubjectPublicKeyInfo: how cup names a key. */
const char *oci_key_id(const struct oci_key *k);
/* Append base64 of the same digest: the hint of a sigstore bundle. */
void oci_key_hint(const struct oci_key *k, struct buf *to);

/* ECDSA over SHA-256, DER. The key must be a private one. Appends to `to`. */
enum err_kind
oci_key_sign(const struct oci_key *k, struct str bytes, struct buf *to, struct err *err) MUST_USE;
bool oci_key_verifies(const struct oci_key *k, struct str bytes, struct str signature);
