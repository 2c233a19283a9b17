/*
 * The one way in which functions of cup fail: an enum err_kind as result, details in a caller-owned
 * struct err passed last. Kinds are few and mean what a caller can do about it; the text is for
 * people. A struct err is a plain value: nothing to free. It never holds a secret.
 */
#pragma once

#include "base/defs.h"

enum err_kind {
    ERR_OK = 0,
    ERR_USAGE,           /* wrong call of a command or flag */
    ERR_MALFORMED,       /* text that does not parse: 400 */
    ERR_INVALID,         /* parses, but breaks a rule: schema, name, manifest: 422 */
    ERR_NOT_FOUND,       /* the named thing is not there */
    ERR_EXPIRED,         /* it was there, or may have been, and is not kept: 410 */
    ERR_EXISTS,          /* it is there already */
    ERR_CONFLICT,        /* somebody else changed it first */
    ERR_PRECONDITION,    /* it is not as If-Match or If-None-Match wants it: 412 */
    ERR_UNAUTHENTICATED, /* no or wrong credentials */
    ERR_DENIED,          /* known, but not allowed */
    ERR_LIMIT,           /* larger than a limit of ours: 413 */
    ERR_TIMEOUT,         /* out of time: 504 */
    ERR_UNAVAILABLE,     /* cannot be reached or is not ready: 503 */
    ERR_UNSUPPORTED,     /* not something we or the peer can do: 405 */
    ERR_UNVERIFIED,      /* digest, size or signature does not verify */
    ERR_FAILED,          /* a controller or an SCM failed: 502 */
    ERR_NO_SPACE,        /* disk full or quota: 507 */
    ERR_CANCELLED,       /* the caller's user broke it off */
    ERR_IO,              /* the operating system said no */
    ERR_INTERNAL,        /* a mistake of ours */
    ERR_KIND_COUNT
};

#define ERR_TEXT_MAX 1024
#define ERR_CAUSES_MAX 4096

struct err {
    enum err_kind kind;
    char text[ERR_TEXT_MAX];
    /* JSON array of {"field":…,"message":…}, or empty: the causes of an ERR_INVALID */
    char causes[ERR_CAUSES_MAX];
};

struct err_info {
    const char *name; /* "NotFound": the reason of a Status object */
    int http_status;  /* of a Status */
    int exit_code;    /* of cup and cupd */
};

/*
 * Store kind and text in *err and return kind, so that `return err_set(err, …);` reads well.
 *
 * err   may be NULL: then only the kind is returned
 * fmt   printf's; lower case, no full stop, the subject in quotes; cut at ERR_TEXT_MAX
 */
enum err_kind err_set(struct err *err, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Like err_set with ": " and the text of errno value `errnum` behind it. ENOSPC and EDQUOT make
 * ERR_NO_SPACE, ENOENT ERR_NOT_FOUND, EACCES/EPERM ERR_DENIED, all else ERR_IO. */
enum err_kind err_errno(struct err *err, int errnum, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Put "<fmt>: " before the text that is there; returns the kind that is there. */
enum err_kind err_wrap(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The same text under another kind: how a folder turns a neighbour's outcome into its own. */
enum err_kind err_as(struct err *err, enum err_kind kind);

/* Name, HTTP status and exit code of a kind; never NULL. */
const struct err_info *err_info(enum err_kind kind);

void err_clear(struct err *err);
