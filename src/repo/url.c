#include "repo/url.h"

#include "base/buf.h"
#include "base/mem.h"

static bool has_control(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

static bool is_scheme(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool is_other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!is_letter && !(i > 0 && is_other))
            return false;
    }
    return s.n > 0;
}

/* "scheme://…": the scheme, else an empty view. */
static struct str scheme_of(struct str url)
{
    ptrdiff_t at = str_search(url, STR("://"));
    if (at <= 0 || !is_scheme(str_take(url, (size_t)at)))
        return str_of("", 0);
    return str_take(url, (size_t)at);
}

/* "user:pass" of "user:pa/ss@host": what stands behind the colon is no port, so it is a password that holds
 * an unescaped slash. */
static bool is_cut_password(struct str authority)
{
    ptrdiff_t colon = str_rfind(authority, ':');
    if (str_find(authority, '@') >= 0 || colon < 0 || colon < str_rfind(authority, ']'))
        return false;
    uint64_t port;
    struct str tail = str_skip(authority, (size_t)colon + 1);
    return tail.n > 0 && !str_to_u64(tail, &port);
}

char *repo_url_shown(struct str url)
{
    struct str scheme = scheme_of(url);
    if (scheme.n == 0)
        return mem_strdup_str(url);
    struct str rest = str_skip(url, scheme.n + 3);
    ptrdiff_t slash = str_find(rest, '/');
    struct str authority = slash < 0 ? rest : str_take(rest, (size_t)slash);
    /* the last @: a password may hold one */
    ptrdiff_t at = str_rfind(is_cut_password(authority) ? rest : authority, '@');
    struct str tail = str_skip(rest, at < 0 ? 0 : (size_t)at + 1);
    return mem_printf(STR_FMT "://" STR_FMT, STR_ARG(scheme), STR_ARG(tail));
}

enum err_kind repo_url_decode(struct str text, char **ret, struct err *err)
{
    autobuf struct buf out = {0};
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '%') {
            buf_char(&out, text.p[i]);
            continue;
        }
        int high = i + 2 < text.n ? str_hex_digit(text.p[i + 1]) : -1;
        int low = i + 2 < text.n ? str_hex_digit(text.p[i + 2]) : -1;
        if (high < 0 || low < 0 || high * 16 + low < 0x20 || high * 16 + low == 0x7f)
            return err_set(err, ERR_INVALID, "bad percent escape");
        buf_char(&out, (char)(high * 16 + low));
        i += 2;
    }
    *ret = buf_steal(&out);
    return ERR_OK;
}

static enum err_kind file_path(struct str url, char **ret_path, struct err *err)
{
    struct str rest = str_skip(url, strlen("file://"));
    if (str_starts(rest, STR("localhost/")))
        rest = str_skip(rest, strlen("localhost"));
    if (!str_starts(rest, STR("/")))
        return err_set(
            err, ERR_INVALID,
            "repository '" STR_FMT "': a file URL needs three slashes: file:///path", STR_ARG(url));
    enum err_kind r = repo_url_decode(rest, ret_path, err); /* RFC 8089 */
    return r == ERR_OK ? r : err_wrap(err, "repository '" STR_FMT "'", STR_ARG(url));
}

static enum err_kind refuse_remote(struct str url, struct err *err)
{
    autofree char *shown = repo_url_shown(url);
    return err_set(
        err, ERR_UNSUPPORTED,
        "repository '%s' is remote: clone it with 'git clone --bare' and give the path of the "
        "clone",
        shown);
}

static bool is_remote_scheme(struct str s)
{
    static const char *const known[] = {"http", "https", "ssh", "git", "git+ssh", "ssh+git"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq_nocase(s, str_from(known[i])))
            return true;
    return false;
}

/* git-clone(1), "GIT URLS": host:path is remote unless a slash stands before the first colon; and
 * "transport::address" starts the helper program git-remote-<transport>. */
static enum err_kind check_colon(struct str url, struct err *err)
{
    ptrdiff_t colon = str_find(url, ':');
    ptrdiff_t slash = str_find(url, '/');
    if (colon < 0 || (slash >= 0 && slash < colon))
        return ERR_OK;
    if (str_starts(str_skip(url, (size_t)colon), STR("::")))
        return err_set(
            err, ERR_INVALID, "repository '" STR_FMT "' names a transport helper: give a path",
            STR_ARG(url));
    return refuse_remote(url, err);
}

enum err_kind repo_url_path(struct str url, char **ret_path, struct err *err)
{
    if (url.n == 0)
        return err_set(err, ERR_INVALID, "the repository's path is empty");
    if (url.p[0] == '-')
        return err_set(
            err, ERR_INVALID,
            "repository '" STR_FMT "' looks like an option: write './" STR_FMT "'", STR_ARG(url),
            STR_ARG(url));
    if (has_control(url))
        return err_set(err, ERR_INVALID, "the repository's path holds control characters");
    struct str scheme = scheme_of(url);
    if (str_eq_nocase(scheme, STR("file")))
        return file_path(url, ret_path, err);
    if (is_remote_scheme(scheme))
        return refuse_remote(url, err);
    autofree char *shown = repo_url_shown(url);
    if (scheme.n > 0)
        return err_set(
            err, ERR_INVALID, "repository '%s': scheme '" STR_FMT "' is not known", shown,
            STR_ARG(scheme));
    enum err_kind r = check_colon(url, err);
    if (r == ERR_OK)
        *ret_path = mem_strdup_str(url);
    return r;
}
