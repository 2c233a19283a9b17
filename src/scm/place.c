#include "scm/place.h"
#include "base/mem.h"
#include "http/target.h"
#include "http/url.h"

void scm_place_deinit(struct scm_place *p)
{
    free(p->api);
    free(p->path);
    free(p->token);
    *p = (struct scm_place){0};
}

/* --- the repository's URL --------------------------------------------------------------------------- */

/* Views of the URL. */
struct pieces {
    struct str scheme;   /* "https", "http" or "ssh"; empty: a path on this disk */
    struct str host;     /* of http and https with the port */
    struct str password; /* as it stands there, percent-encoded */
    struct str path;     /* without slashes at its ends and ".git" */
};

static struct str bare_path(struct str path)
{
    while (str_starts(path, STR("/")))
        path = str_skip(path, 1);
    while (str_ends(path, STR("/")))
        path.n--;
    if (str_ends(path, STR(".git")))
        path.n -= 4;
    return path;
}

/* "user:password@host:port": who stands before the last '@', where behind it. */
static void split_authority(struct str authority, struct pieces *ret)
{
    ptrdiff_t at = str_rfind(authority, '@');
    struct str who = str_take(authority, at < 0 ? 0 : (size_t)at);
    ret->host = str_skip(authority, at < 0 ? 0 : (size_t)at + 1);
    str_cut(&who, ':');
    ret->password = who.p == NULL ? STR("") : who;
}

/* The port is that of SSH, not of the API. */
static struct str without_port(struct str host)
{
    ptrdiff_t colon = str_rfind(host, ':');
    bool is_port = colon >= 0 && str_find(str_skip(host, (size_t)colon), ']') < 0;
    return is_port ? str_take(host, (size_t)colon) : host;
}

/* git's own short form of SSH, "user@host:path": a colon before any slash. */
static bool is_scp_form(struct str url)
{
    ptrdiff_t colon = str_find(url, ':');
    ptrdiff_t slash = str_find(url, '/');
    return colon > 0 && (slash < 0 || colon < slash);
}

static struct pieces split_url(struct str url)
{
    struct pieces p = {.scheme = STR("")};
    ptrdiff_t mark = str_search(url, STR("://"));
    struct str rest = mark < 0 ? url : str_skip(url, (size_t)mark + 3);
    if (mark >= 0)
        p.scheme = str_take(url, (size_t)mark);
    else if (is_scp_form(url))
        p.scheme = STR("ssh");
    if (mark < 0 && p.scheme.n > 0)
        split_authority(str_cut(&rest, ':'), &p);
    else if (mark >= 0)
        split_authority(str_cut(&rest, '/'), &p);
    if (str_eqz(p.scheme, "file"))
        p.scheme = STR("");
    if (str_ends(p.scheme, STR("ssh")))
        p.host = without_port(p.host);
    p.path = bare_path(rest);
    return p;
}

static const struct {
    const char *host;
    const char *driver;
} well_known[] = {
    {"codeberg.org", "gitea"},
    {"gitea.com", "gitea"},
    {"github.com", "github"},
    {"gitlab.com", "gitlab"},
};

const char *scm_name_for(const char *repo_url)
{
    struct pieces p = split_url(str_from(repo_url));
    for (size_t i = 0; i < ARRAY_LEN(well_known); i++)
        if (str_eq_nocase(p.host, str_from(well_known[i].host)))
            return well_known[i].driver;
    return "plain";
}

/* --- the forge's API --------------------------------------------------------------------------------- */

static struct str without_slash(struct str url)
{
    while (str_ends(url, STR("/")))
        url.n--;
    return url;
}

/* What stands behind the host: an address without it means the site, and the API is below that. */
static struct str path_of(struct str url)
{
    ptrdiff_t mark = str_search(url, STR("://"));
    struct str rest = str_skip(url, mark < 0 ? 0 : (size_t)mark + 3);
    str_cut(&rest, '/');
    return rest.p == NULL ? STR("") : rest;
}

static enum err_kind
given_api(struct str url, const struct scm_place_rules *rules, char **ret, struct err *err)
{
    struct http_url parsed;
    autofree char *text = mem_strdup_str(without_slash(url));
    enum err_kind r = http_url_parse(text, &parsed, err);
    if (r != ERR_OK)
        return err_wrap(err, "the address of %s's API (-api-git-scm-url)", rules->forge);
    bool is_site =
        path_of(str_from(text)).n == 0 && !str_starts(str_from(parsed.host), STR("api."));
    *ret = mem_printf("%s%s", text, is_site ? rules->suffix : "");
    return ERR_OK;
}

/* site  what stands between the host and the repository, with a slash before it; or empty */
static enum err_kind derived_api(
    const struct pieces *p,
    struct str site,
    const struct scm_place_rules *rules,
    char **ret,
    struct err *err)
{
    struct http_url parsed;
    if (p->scheme.n == 0)
        return err_set(
            err, ERR_INVALID,
            "the repository is a path: where %s's API is cannot be told from it, give "
            "-api-git-scm-url",
            rules->forge);
    const char *scheme = str_eqz(p->scheme, "http") ? "http" : "https";
    autofree char *origin = mem_printf("%s://" STR_FMT, scheme, STR_ARG(p->host));
    enum err_kind r = http_url_parse(origin, &parsed, err);
    if (r != ERR_OK)
        return err_wrap(err, "the repository's host '" STR_FMT "'", STR_ARG(str_take(p->host, 64)));
    *ret = rules->own_api != NULL ? rules->own_api(parsed.host) : NULL;
    if (*ret == NULL)
        *ret = mem_printf("%s" STR_FMT "%s", origin, STR_ARG(site), rules->suffix);
    return ERR_OK;
}

/* --- owner and name ----------------------------------------------------------------------------------- */

static bool is_good_part(struct str part)
{
    for (size_t i = 0; i < part.n; i++) {
        unsigned char c = (unsigned char)part.p[i];
        if (c <= ' ' || c == 0x7f || strchr("?#\\\"<>", c) != NULL)
            return false;
    }
    return part.n > 0 && !str_eqz(part, ".") && !str_eqz(part, "..");
}

/* Where the last `count` parts of path begin; -1: it has fewer. */
static ptrdiff_t start_of_last(struct str path, int count)
{
    ptrdiff_t at = (ptrdiff_t)path.n;
    for (int i = 0; i < count; i++) {
        if (at < 0)
            return -1;
        at = str_rfind(str_take(path, (size_t)at), '/');
    }
    return at + 1;
}

/* A GitLab below a path of its host says so by the address of its API alone. */
static struct str skip_site(struct str path, struct str api_url, const char *suffix)
{
    struct str site = path_of(without_slash(api_url));
    if (!str_ends(site, str_from(suffix + 1)))
        return path;
    site.n -= strlen(suffix) - 1;
    return site.n > 0 && str_starts(path, site) ? str_skip(path, site.n) : path;
}

static enum err_kind split_path(
    const struct pieces *p,
    struct str api_url,
    const struct scm_place_rules *rules,
    struct str *ret_site,
    struct str *ret_repository,
    struct err *err)
{
    ptrdiff_t start = start_of_last(p->path, 2);
    bool takes_all = rules->has_subgroups && p->scheme.n > 0 && start >= 0;
    struct str repository =
        takes_all ? skip_site(p->path, api_url, rules->suffix) : str_skip(p->path, (size_t)start);
    bool is_good = start >= 0;
    for (struct str rest = repository; is_good && rest.p != NULL;)
        is_good = is_good_part(str_cut(&rest, '/'));
    if (!is_good)
        return err_set(
            err, ERR_INVALID,
            "no OWNER/NAME of a repository on %s at the end of '" STR_FMT "' (-api-git-repo)",
            rules->forge, STR_ARG(str_take(p->path, 200)));
    *ret_repository = repository;
    *ret_site = takes_all || start == 0 ? STR("")
                                        : str_of(p->path.p - 1, (size_t)start); /* with its slash */
    return ERR_OK;
}

/* --- all of it ------------------------------------------------------------------------------------------ */

static enum err_kind read_token(const char *given, struct str password, char **ret, struct err *err)
{
    autofree char *space = mem_alloc(password.n + 1);
    struct http_decoder decoder = {.space = space};
    struct str token = given == NULL ? password : str_from(given);
    *ret = NULL;
    if (given == NULL &&
        http_decode(&decoder, password, false, &token, NULL) != ERR_OK) /* names no secret */
        return err_set(err, ERR_INVALID, "the password in the repository's URL is badly encoded");
    for (size_t i = 0; i < token.n; i++)
        if ((unsigned char)token.p[i] <= ' ' || token.p[i] == 0x7f)
            return err_set(
                err, ERR_INVALID, "the token for the forge holds a blank or control character");
    if (token.n > 0)
        *ret = mem_strdup_str(token);
    return ERR_OK;
}

enum err_kind scm_place_read(
    const struct scm_options *options,
    const struct scm_place_rules *rules,
    struct scm_place *ret,
    struct err *err)
{
    struct scm_place place = {0};
    struct str site = STR("");
    struct str repository = STR("");
    struct str api_url = str_from(options->api_url);
    struct pieces p = split_url(str_from(options->repo_url));
    enum err_kind r = split_path(&p, api_url, rules, &site, &repository, err);
    if (r == ERR_OK)
        r = api_url.n > 0 ? given_api(api_url, rules, &place.api, err)
                          : derived_api(&p, site, rules, &place.api, err);
    if (r == ERR_OK)
        r = read_token(options->token, p.password, &place.token, err);
    if (r != ERR_OK) {
        scm_place_deinit(&place);
        return r;
    }
    place.path = mem_strdup_str(repository);
    *ret = place;
    return ERR_OK;
}
