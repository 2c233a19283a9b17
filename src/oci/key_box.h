/*
 * The encrypted form of a private key that cosign writes: a JSON object with scrypt's parameters and a
 * NaCl secretbox over the PKCS#8 bytes. Internal to key.c.
 * source: go-securesystemslib "encrypted" as cosign uses it; RFC 7914 (scrypt)
 */
#pragma once

#include "base/buf.h"

/* INVALID: not of this form, or parameters out of bounds; UNAUTHENTICATED: wrong password. Wipe ret. */
enum err_kind
key_box_open(struct str json, struct str password, struct buf *ret, struct err *err) MUST_USE;
enum err_kind
key_box_seal(struct str plain, struct str password, struct buf *to, struct err *err) MUST_USE;
