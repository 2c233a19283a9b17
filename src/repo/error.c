#include "base/mem.h"
#include "repo/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

/* libgit2 keeps the operating system's reason only as words. */
static bool says(const char *text, int errnum)
{
    char buffer[128];
    const char *reason = strerror_r(errnum, buffer, sizeof(buffer));
    return strstr(text, reason) != NULL;
}

static enum err_kind kind_of(int code, const char *text)
{
    switch (code) {
    case GIT_ENOTFOUND:
    case GIT_EUNBORNBRANCH:
        return ERR_NOT_FOUND;
    case GIT_EEXISTS:
        return ERR_EXISTS;
    case GIT_EINVALIDSPEC:
    case GIT_EAMBIGUOUS:
        return ERR_INVALID;
    case GIT_EMODIFIED:
    case GIT_ECONFLICT:
    case GIT_EMERGECONFLICT:
    case GIT_ENONFASTFORWARD:
        return ERR_CONFLICT;
    case GIT_ELOCKED:
        return ERR_FAILED;
    case GIT_EOWNER:
        return ERR_DENIED;
    case GIT_EMISMATCH:
        return ERR_UNVERIFIED;
    default:
        return says(text, ENOSPC) || says(text, EDQUOT) ? ERR_NO_SPACE : ERR_IO;
    }
}

static char *without_path(const struct repo *r, const char *text)
{
    autobuf struct buf out = {0};
    struct str rest = str_from(text);
    while (r != NULL && r->path != NULL) {
        ptrdiff_t at = str_search(rest, str_from(r->path));
        if (at < 0)
            break;
        buf_str(&out, str_take(rest, (size_t)at));
        rest = str_skip(rest, (size_t)at + strlen(r->path));
        if (str_starts(rest, STR("/")))
            rest = str_skip(rest, 1);
    }
    buf_str(&out, rest);
    return buf_steal(&out);
}

enum err_kind repo_failed(const struct repo *r, int code, struct err *err, const char *fmt, ...)
{
    char what[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    const git_error *last = git_error_last();
    const char *words = last == NULL || last->message == NULL ? "no reason given" : last->message;
    autofree char *shown = without_path(r, words);
    return err_set(err, kind_of(code, words), "%s: %s", what, shown);
}

enum err_kind repo_object_failed(
    const struct repo *r, int code, struct err *err, const git_oid *id, const char *what)
{
    char hex[GIT_OID_HEXSZ + 1];
    git_oid_tostr(hex, sizeof(hex), id);
    if (code == GIT_ENOTFOUND)
        return err_set(
            err, ERR_IO,
            "%s %s is missing: the repository is damaged or shallow (git fsck shows more)", what,
            hex);
    return repo_failed(r, code, err, "reading %s %s", what, hex);
}
