/* Start and stop: what ties the folder together. */
#include "core/core.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "core/branches.h"
#include "core/change_git.h"
#include "core/claims.h"
#include "core/follow.h"
#include "core/internal.h"
#include "core/loader.h"
#include "core/names.h"
#include "core/proposal_text.h"
#include "core/scm_git.h"
#include "core/upkeep.h"
#include "core/verdicts.h"
#include "http/client.h"
#include "repo/lease.h"
#include "repo/remote.h"
#include "scm/place.h"

/* --- start and stop ------------------------------------------------------------------------------- */

static char *copy_given(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : mem_strdup(text);
}

static enum err_kind open_driver(
    const struct core *c, const struct scm_driver *driver, struct scm **ret, struct err *err)
{
    struct scm_options options = {
        .git = &c->git,
        .target_branch = c->target_branch,
        .self_url = c->self_url,
        .http = c->http,
        .repo_url = c->repo_url,
        .api_url = c->scm_url,
        .token = c->scm_token,
    };
    return driver->open(&options, ret, err);
}

/* "scheme://user:password@host/…" */
static bool has_password(const char *url)
{
    struct str rest = str_from(url);
    ptrdiff_t at = str_search(rest, STR("://"));
    rest = str_skip(rest, at < 0 ? rest.n : (size_t)at + 3);
    struct str authority = str_cut(&rest, '/');
    ptrdiff_t end = str_rfind(authority, '@');
    return end >= 0 && str_find(str_take(authority, (size_t)end), ':') >= 0;
}

static enum err_kind open_scm(struct core *c, const struct core_options *o, struct err *err)
{
    const char *name = o->git_scm != NULL ? o->git_scm : scm_name_for(o->git_repo);
    const struct scm_driver *driver = scm_driver_find(str_from(name));
    if (driver == NULL) {
        char known[SCM_NAMES_MAX];
        return err_set(
            err, ERR_UNSUPPORTED, "no SCM '%s': this version knows %s (-api-git-scm)", name,
            scm_driver_names(known));
    }
    c->scm_url = copy_given(o->git_scm_url);
    c->scm_token = copy_given(
        o->git_scm_token == NULL && !has_password(o->git_repo) ? o->git_password
                                                               : o->git_scm_token);
    core_scm_git_init(&c->git, c->repo);
    return open_driver(c, driver, &c->scm, err);
}

/* The driver copies the address when it is opened, so it is opened again. */
enum err_kind core_set_self_url(struct core *c, const char *url, struct err *err)
{
    struct scm *next = NULL;
    free(c->self_url);
    c->self_url = mem_strdup(url);
    if (c->scm == NULL)
        return ERR_OK;
    enum err_kind r = open_driver(c, c->scm->driver, &next, err);
    if (r != ERR_OK)
        return r;
    core_propose_stop(c); /* it uses the driver */
    c->scm->driver->free(c->scm);
    c->scm = next;
    return core_propose_start(c, err);
}

/* "Name <mail>", as Git writes it; what cannot stand in a commit shows with the first one. */
static enum err_kind set_author(struct core *c, const char *text, struct err *err)
{
    struct str mail = str_trim(str_from(text != NULL ? text : "cup <cup@flipt.io>"));
    struct str name = str_trim(str_cut(&mail, '<'));
    bool is_closed = str_ends(mail, STR(">"));
    mail = is_closed ? str_trim(str_take(mail, mail.n - 1)) : mail;
    if (!is_closed || name.n == 0 || mail.n == 0 || str_find(mail, '<') >= 0 ||
        str_find(mail, '>') >= 0 || str_find(name, '>') >= 0)
        return err_set(
            err, ERR_INVALID, "author '%s' is not of the form 'Name <mail>' (-api-git-author)",
            text);
    c->author_name = mem_strdup_str(name);
    c->author_email = mem_strdup_str(mail);
    return ERR_OK;
}

static enum err_kind set_wording(struct core *c, const struct core_options *o, struct err *err)
{
    const struct core_proposal_text_options options = {
        .title = o->proposal_title,
        .body = o->proposal_body,
        .labels = o->proposal_labels,
        .is_draft = o->proposes_drafts,
    };
    return core_proposal_text_new(&options, &c->proposal_text, err);
}

static enum err_kind open_git(struct core *c, const struct core_options *o, struct err *err)
{
    if (o->git_repo == NULL || o->git_repo[0] == '\0')
        return err_set(err, ERR_INVALID, "source 'git' needs a repository: give -api-git-repo");
    struct http_client_options http = {.proxies = o->proxies, .tls = {.ca_file = o->git_ca_file}};
    struct repo_remote_options remote = {
        .username = o->git_username,
        .password = o->git_password,
        .ssh_key = o->git_ssh_key,
        .ssh_known_hosts = o->git_ssh_known_hosts,
        .timeout_ms = o->git_timeout_ms,
    };
    struct repo_options options = {.url = o->git_repo, .data_dir = o->data_dir, .remote = &remote};
    c->repo_url = mem_strdup(o->git_repo);
    enum err_kind r = set_author(c, o->git_author, err);
    if (r == ERR_OK)
        r = set_wording(c, o, err);
    if (r == ERR_OK)
        r = http_client_new(&http, &c->http, err);
    remote.http = c->http;
    if (r == ERR_OK)
        r = repo_open(&options, &c->repo, err);
    if (r == ERR_OK)
        c->lease = repo_lease_new(c->repo);
    if (r == ERR_OK && o->git_signing_key != NULL)
        r = repo_sign_with(c->repo, o->git_signing_key, err);
    return r == ERR_OK ? open_scm(c, o, err) : r;
}

static void init_locks(struct core *c)
{
    pthread_mutex_init(&c->lock, NULL);
    pthread_mutex_init(&c->local_write_lock, NULL);
    pthread_mutex_init(&c->refresh_lock, NULL);
}

static struct core *new_core(const struct core_options *o)
{
    struct core *c = mem_new(struct core);
    const char *branch = o->git_branch != NULL ? o->git_branch : "main";
    c->is_git = o->source == CORE_SOURCE_GIT;
    c->target_branch = mem_strdup(branch);
    c->webhook_secret = copy_given(o->webhook_secret);
    c->target_ref = mem_printf("refs/heads/%s", branch);
    c->local_path = mem_strdup(o->local_path != NULL ? o->local_path : ".");
    c->self_url = mem_strdup(o->self_url != NULL ? o->self_url : "http://localhost:8181");
    c->note = o->note;
    c->note_data = o->note_data;
    c->cache = core_cache_new(o->cache_bytes);
    c->branches = core_branches_new();
    c->claims = core_claims_new();
    c->verdicts = core_verdicts_new();
    init_locks(c);
    return c;
}

/* What a start brings before anything is served; the parts know nothing of each other. */
struct start {
    struct core *core;
    const struct core_options *options;
    struct core_registry *registry;
};
enum { START_REGISTRY, START_SOURCE, START_PARTS };

static enum err_kind start_part(void *data, size_t part, struct err *err)
{
    struct start *s = data;
    if (part == START_REGISTRY)
        return core_load(s->core->host, s->options, &s->registry, err);
    return s->core->is_git ? open_git(s->core, s->options, err) : ERR_OK;
}

static enum err_kind start(struct core *c, const struct core_options *o, struct err *err)
{
    struct start parts = {c, o, NULL};
    autofree char *cache = o->data_dir == NULL ? NULL : mem_printf("%s/modules", o->data_dir);
    struct wasmhost_options host = {.cache_dir = cache, .compiler = o->compiler};
    enum err_kind r = wasmhost_new(&host, &c->host, err);
    if (r == ERR_OK)
        r = parallel_run(START_PARTS, START_PARTS, start_part, &parts, err);
    if (r == ERR_OK)
        r = core_follow_start(c, o, parts.registry, err);
    if (r == ERR_OK && c->is_git)
        r = core_upkeep_start(c->repo, o->note, o->note_data, &c->upkeep, err);
    core_registry_unref(parts.registry);
    return r;
}

enum err_kind core_new(const struct core_options *options, struct core **ret, struct err *err)
{
    struct core *c = new_core(options);
    enum err_kind r = start(c, options, err);
    if (r != ERR_OK) {
        core_free(c);
        return r;
    }
    *ret = c;
    return ERR_OK;
}

struct core *core_free(struct core *c)
{
    if (c == NULL)
        return NULL;
    core_upkeep_stop(c->upkeep);
    core_propose_stop(c);
    core_follow_stop(c);
    core_snapshot_unref(c->current);
    core_cache_free(c->cache);
    core_branches_free(c->branches);
    core_claims_free(c->claims);
    core_verdicts_free(c->verdicts);
    core_proposal_text_free(c->proposal_text);
    if (c->scm != NULL)
        c->scm->driver->free(c->scm);
    repo_lease_free(c->lease);
    repo_free(c->repo);
    http_client_free(c->http);
    free(c->repo_url);
    free(c->scm_url);
    free(c->scm_token);
    free(c->webhook_secret);
    wasmhost_free(c->host);
    free(c->author_name);
    free(c->author_email);
    free(c->target_branch);
    free(c->target_ref);
    free(c->local_path);
    free(c->self_url);
    pthread_mutex_destroy(&c->lock);
    pthread_mutex_destroy(&c->local_write_lock);
    pthread_mutex_destroy(&c->refresh_lock);
    free(c);
    return NULL;
}

void core_kinds(struct core *c, void (*visit)(const struct core_kind *k, void *data), void *data)
{
    auto_snapshot struct core_snapshot *s = core_current(c);
    for (size_t i = 0; i < s->registry->served_count; i++)
        visit(&s->registry->served[i].kind, data);
}
