#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct err_info infos[] = {
    [ERR_OK] = {"OK", 200, 0},
    [ERR_USAGE] = {"BadRequest", 400, 2},
    [ERR_MALFORMED] = {"BadRequest", 400, 6},
    [ERR_INVALID] = {"Invalid", 422, 6},
    [ERR_NOT_FOUND] = {"NotFound", 404, 3},
    [ERR_EXPIRED] = {"Expired", 410, 3},
    [ERR_EXISTS] = {"AlreadyExists", 409, 5},
    [ERR_CONFLICT] = {"Conflict", 409, 5},
    [ERR_PRECONDITION] = {"PreconditionFailed", 412, 5},
    [ERR_UNAUTHENTICATED] = {"Unauthorized", 401, 4},
    [ERR_DENIED] = {"Forbidden", 403, 4},
    [ERR_LIMIT] = {"RequestEntityTooLarge", 413, 1},
    [ERR_TIMEOUT] = {"Timeout", 504, 8},
    [ERR_UNAVAILABLE] = {"ServiceUnavailable", 503, 8},
    [ERR_UNSUPPORTED] = {"MethodNotAllowed", 405, 1},
    [ERR_UNVERIFIED] = {"NotVerified", 502, 7},
    [ERR_FAILED] = {"BadGateway", 502, 1},
    [ERR_NO_SPACE] = {"InsufficientStorage", 507, 1},
    [ERR_CANCELLED] = {"Cancelled", 503, 130},
    [ERR_IO] = {"InternalError", 500, 1},
    [ERR_INTERNAL] = {"InternalError", 500, 1},
};
_Static_assert(ARRAY_LEN(infos) == ERR_KIND_COUNT, "each kind has a row");

const struct err_info *err_info(enum err_kind kind)
{
    return &infos[kind < ERR_KIND_COUNT ? kind : ERR_INTERNAL];
}

void err_clear(struct err *err)
{
    if (err == NULL)
        return;
    err->kind = ERR_OK;
    err->text[0] = '\0';
    err->causes[0] = '\0';
}

/* A cut in the middle of a UTF-8 sequence would make the text unprintable: drop the torn tail. */
static void trim_torn_utf8(char *text)
{
    size_t n = strlen(text);
    size_t back = 0;
    while (back < 4 && back < n && ((unsigned char)text[n - 1 - back] & 0xC0) == 0x80)
        back++;
    if (back >= n)
        return;
    unsigned char lead = (unsigned char)text[n - 1 - back];
    size_t want = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (lead >= 0xC0 && back < want)
        text[n - 1 - back] = '\0';
}

enum err_kind err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
    if (err == NULL)
        return kind;
    va_list args;
    va_start(args, fmt);
    char text[ERR_TEXT_MAX];
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    trim_torn_utf8(text);
    err->kind = kind;
    err->causes[0] = '\0';
    memcpy(err->text, text, strlen(text) + 1);
    return kind;
}

static enum err_kind kind_of_errno(int errnum)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
        return ERR_NO_SPACE;
    case ENOENT:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    default:
        return ERR_IO;
    }
}

enum err_kind err_errno(struct err *err, int errnum, const char *fmt, ...)
{
    enum err_kind kind = kind_of_errno(errnum);
    if (err == NULL)
        return kind;
    va_list args;
    va_start(args, fmt);
    char what[ERR_TEXT_MAX / 2];
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    char reason[128];
    const char *text = strerror_r(errnum, reason, sizeof(reason));
    return err_set(err, kind, "%s: %s", what, text);
}

enum err_kind err_wrap(struct err *err, const char *fmt, ...)
{
    if (err == NULL)
        return ERR_INTERNAL;
    va_list args;
    va_start(args, fmt);
    char what[ERR_TEXT_MAX / 2];
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    char joined[ERR_TEXT_MAX + sizeof(what) + 2];
    snprintf(joined, sizeof(joined), "%s: %s", what, err->text);
    snprintf(err->text, sizeof(err->text), "%.*s", ERR_TEXT_MAX - 1, joined);
    trim_torn_utf8(err->text);
    return err->kind;
}

enum err_kind err_as(struct err *err, enum err_kind kind)
{
    if (err != NULL)
        err->kind = kind;
    return kind;
}
