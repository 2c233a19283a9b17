/*
 * Somebody who looks at bytes as they pass, on a thread of their own: what is hashed and unpacked beside a
 * download costs it no time where there is a second core.
 */
#pragma once

#include "base/err.h"

struct oci_aside;

/* `write` is called on the other thread; false (with err set) ends its part. NULL: no thread to be had. */
struct oci_aside *
oci_aside_new(bool (*write)(void *data, const char *p, size_t n, struct err *err), void *data);
/* The next bytes; `data` is the struct oci_aside. false with what `write` failed with, which may be told
 * a few bytes late. The form that readers of blobs take. */
bool oci_aside_write(void *data, const char *p, size_t n, struct err *err);
/* Wait until it has looked at everything; what it failed with. Nothing is written after this. */
enum err_kind oci_aside_end(struct oci_aside *a, struct err *err) MUST_USE;
/* Waits until it has looked at what was written. */
struct oci_aside *oci_aside_free(struct oci_aside *a);
