#include "repo/wire_url.h"

#include "base/buf.h"
#include "base/mem.h"
#include "repo/url.h"

static enum wire_scheme scheme_of(struct str name)
{
    if (str_eq_nocase(name, STR("http")) || str_eq_nocase(name, STR("https")))
        return WIRE_HTTP;
    if (str_eq_nocase(name, STR("ssh")) || str_eq_nocase(name, STR("git+ssh")) ||
        str_eq_nocase(name, STR("ssh+git")))
        return WIRE_SSH;
    return 0;
}

/* git-clone(1), "GIT URLS": host:path, where no slash stands before the colon. */
static bool is_short_form(struct str url)
{
    ptrdiff_t colon = str_find(url, ':');
    ptrdiff_t slash = str_find(url, '/');
    return colon > 0 && (slash < 0 || colon < slash) &&
        !str_starts(str_skip(url, (size_t)colon), STR("::"));
}

static struct str cut_scheme(struct str *url)
{
    ptrdiff_t at = str_search(*url, STR("://"));
    struct str name = at <= 0 ? STR("") : str_take(*url, (size_t)at);
    if (at > 0)
        *url = str_skip(*url, (size_t)at + 3);
    return name;
}

bool wire_url_is_remote(struct str url)
{
    struct str rest = url;
    struct str scheme = cut_scheme(&rest);
    if (scheme.n > 0)
        return scheme_of(scheme) != 0 || str_eq_nocase(scheme, STR("git"));
    return is_short_form(url);
}

static enum err_kind bad(struct str url, const char *why, struct err *err)
{
    autofree char *shown = repo_url_shown(url);
    return err_set(err, ERR_INVALID, "repository '%.200s' %s", shown, why);
}

/* "user:password@host:port": the last @, since a password may hold one. */
static struct str cut_userinfo(struct str *authority)
{
    ptrdiff_t at = str_rfind(*authority, '@');
    if (at < 0)
        return str_of(NULL, 0);
    struct str info = str_take(*authority, (size_t)at);
    *authority = str_skip(*authority, (size_t)at + 1);
    return info;
}

static enum err_kind
read_userinfo(struct wire_url *u, struct str url, struct str info, struct err *err)
{
    if (info.p == NULL)
        return ERR_OK;
    struct str password = info;
    struct str user = str_cut(&password, ':');
    enum err_kind r = repo_url_decode(user, &u->user, err);
    if (r == ERR_OK && password.p != NULL)
        r = repo_url_decode(password, &u->password, err);
    if (r != ERR_OK)
        return bad(url, "has a bad percent escape in its user or password", err);
    return ERR_OK;
}

/* "host", "host:port", "[::1]:port" */
static void split_port(struct str authority, struct str *ret_host, struct str *ret_port)
{
    ptrdiff_t colon = str_rfind(authority, ':');
    ptrdiff_t bracket = str_rfind(authority, ']');
    *ret_host = authority;
    *ret_port = str_of(NULL, 0);
    if (colon >= 0 && colon > bracket) {
        *ret_host = str_take(authority, (size_t)colon);
        *ret_port = str_skip(authority, (size_t)colon + 1);
    }
    if (str_starts(*ret_host, STR("[")) && str_ends(*ret_host, STR("]")))
        *ret_host = str_of(ret_host->p + 1, ret_host->n - 2);
}

/* ssh puts them into the command lines of its configuration (ProxyCommand, %h and %r), which a shell
 * reads: only what no shell acts upon (CVE-2023-51385). */
static bool is_plain_name(const char *name, const char *marks)
{
    for (const char *p = name; *p != '\0'; p++) {
        bool is_letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
        if (!is_letter && !(*p >= '0' && *p <= '9') && strchr(marks, *p) == NULL)
            return false;
    }
    return true;
}

/* ssh takes what begins with '-' for an option, wherever it stands (CVE-2017-1000117). */
static enum err_kind check_ssh(const struct wire_url *u, struct str url, struct err *err)
{
    uint64_t port = 0;
    if (u->host[0] == '\0' || u->path[0] == '\0')
        return bad(url, "names no host or no path", err);
    if (u->host[0] == '-' || u->path[0] == '-' || (u->user != NULL && u->user[0] == '-'))
        return bad(url, "has a part that ssh would take for an option", err);
    if (!is_plain_name(u->host, ".-_:") || (u->user != NULL && !is_plain_name(u->user, ".-_+@")))
        return bad(url, "has a user or host with characters that have no place there", err);
    if (u->port != NULL && (!str_to_u64(str_from(u->port), &port) || port == 0 || port > 65535))
        return bad(url, "has a bad port", err);
    return ERR_OK;
}

/* ssh://host/~user/x and /~/x are relative to a home directory. */
static enum err_kind parse_ssh(struct wire_url *u, struct str url, struct str rest, struct err *err)
{
    ptrdiff_t slash = str_find(rest, '/');
    struct str authority = slash < 0 ? rest : str_take(rest, (size_t)slash);
    struct str path = slash < 0 ? STR("") : str_skip(rest, (size_t)slash);
    struct str host, port;
    enum err_kind r = read_userinfo(u, url, cut_userinfo(&authority), err);
    split_port(authority, &host, &port);
    if (str_starts(path, STR("/~")))
        path = str_skip(path, 1);
    u->host = mem_strdup_str(host);
    u->port = port.p == NULL ? NULL : mem_strdup_str(port);
    if (r == ERR_OK && repo_url_decode(path, &u->path, err) != ERR_OK)
        r = bad(url, "has a bad percent escape", err);
    return r == ERR_OK ? check_ssh(u, url, err) : r;
}

static enum err_kind parse_short(struct wire_url *u, struct str url, struct err *err)
{
    struct str path = url;
    struct str authority = str_cut(&path, ':');
    struct str user = cut_userinfo(&authority);
    u->user = user.p == NULL ? NULL : mem_strdup_str(user);
    u->host = mem_strdup_str(authority);
    u->path = mem_strdup_str(path);
    return check_ssh(u, url, err);
}

static enum err_kind
parse_http(struct wire_url *u, struct str url, struct str scheme, struct str rest, struct err *err)
{
    ptrdiff_t slash = str_find(rest, '/');
    struct str authority = slash < 0 ? rest : str_take(rest, (size_t)slash);
    struct str path = slash < 0 ? STR("") : str_skip(rest, (size_t)slash);
    struct str host, port;
    uint64_t number = 0;
    enum err_kind r = read_userinfo(u, url, cut_userinfo(&authority), err);
    split_port(authority, &host, &port);
    while (str_ends(path, STR("/")))
        path.n--;
    u->base = mem_printf(
        STR_FMT "://" STR_FMT STR_FMT, STR_ARG(scheme), STR_ARG(authority), STR_ARG(path));
    if (r == ERR_OK && (authority.n == 0 || path.n == 0))
        r = bad(url, "names no host or no path", err);
    if (r == ERR_OK && port.n > 0 && !str_to_u64(port, &number))
        r = bad(url, "has a bad port (a '/' in a password is written %2F)", err);
    if (r == ERR_OK && (str_find(path, '?') >= 0 || str_find(path, '#') >= 0))
        r = bad(url, "has a query or a fragment", err);
    return r;
}

enum err_kind wire_url_parse(struct str url, struct wire_url *ret, struct err *err)
{
    struct str rest = url;
    struct str scheme = cut_scheme(&rest);
    *ret = (struct wire_url){.scheme = scheme.n > 0 ? scheme_of(scheme) : WIRE_SSH};
    enum err_kind r;
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= 0x20 || url.p[i] == 0x7f)
            return bad(url, "holds blanks or control characters", err);
    if (url.n == 0 || url.p[0] == '-')
        return bad(url, "looks like an option", err);
    if (scheme.n > 0 && ret->scheme == 0) {
        autofree char *shown = repo_url_shown(url);
        return err_set(
            err, ERR_UNSUPPORTED,
            "repository '%.200s': nobody vouches for what comes over git://; use https:// or "
            "ssh://",
            shown);
    }
    if (scheme.n == 0)
        r = parse_short(ret, url, err);
    else if (ret->scheme == WIRE_SSH)
        r = parse_ssh(ret, url, rest, err);
    else
        r = parse_http(ret, url, scheme, rest, err);
    if (r != ERR_OK)
        wire_url_deinit(ret);
    return r;
}

void wire_url_deinit(struct wire_url *u)
{
    free(u->base);
    free(u->user);
    free(u->password);
    free(u->host);
    free(u->port);
    free(u->path);
    *u = (struct wire_url){0};
}
