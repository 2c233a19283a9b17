#include "oci/host.h"
#include "base/mem.h"
#include "oci/ref.h"

#include <pthread.h>

enum lookup_state { LOOKUP_NONE, LOOKUP_RUNS, LOOKUP_DONE };

/* Who we are to a repository: a configuration file may say so for each. */
struct lookup {
    char *repository; /* empty: the host itself */
    enum lookup_state state;
    struct oci_credential credential; /* does not change once it is done */
};

struct oci_host {
    struct oci_hosts *table;
    char *name;
    /* The rest is under the table's lock. */
    enum oci_reach reach;
    enum oci_habit habit;
    bool is_given;               /* `given` stands for all lookups */
    struct oci_credential given; /* does not change any more once it is there */
    struct lookup **lookups;
    size_t lookup_count;
    size_t lookup_cap;
};

struct oci_hosts {
    char *registry_config;
    char **auth_files; /* NULL-terminated, as the next one */
    bool is_plain_http;
    char **plain_http_hosts;
    pthread_mutex_t lock; /* guards what follows and the hosts */
    pthread_cond_t looked_up;
    struct oci_host **items;
    size_t count;
    size_t cap;
};

static char **copy_list(const char *const *list)
{
    size_t n = 0;
    while (list != NULL && list[n] != NULL)
        n++;
    char **copy = mem_alloc((n + 1) * sizeof(char *));
    for (size_t i = 0; i < n; i++)
        copy[i] = mem_strdup(list[i]);
    return copy;
}

static void free_list(char **list)
{
    for (size_t i = 0; list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

struct oci_hosts *oci_hosts_new(
    const struct oci_credential_files *files,
    bool is_plain_http,
    const char *const *plain_http_hosts)
{
    struct oci_hosts *t = mem_new(struct oci_hosts);
    t->registry_config = mem_strdup(files->config);
    t->auth_files = copy_list(files->auth_files);
    t->is_plain_http = is_plain_http;
    t->plain_http_hosts = copy_list(plain_http_hosts);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->looked_up, NULL);
    return t;
}

static void host_free(struct oci_host *h)
{
    for (size_t i = 0; i < h->lookup_count; i++) {
        free(h->lookups[i]->repository);
        oci_credential_deinit(&h->lookups[i]->credential);
        free(h->lookups[i]);
    }
    free(h->lookups);
    oci_credential_deinit(&h->given);
    free(h->name);
    free(h);
}

struct oci_hosts *oci_hosts_free(struct oci_hosts *t)
{
    if (t == NULL)
        return NULL;
    for (size_t i = 0; i < t->count; i++)
        host_free(t->items[i]);
    free(t->items);
    free_list(t->plain_http_hosts);
    free_list(t->auth_files);
    free(t->registry_config);
    pthread_cond_destroy(&t->looked_up);
    pthread_mutex_destroy(&t->lock);
    free(t);
    return NULL;
}

static bool is_plain_asked(const struct oci_hosts *t, const char *name)
{
    for (size_t i = 0; t->plain_http_hosts[i] != NULL; i++) {
        if (str_eq_nocase(str_from(t->plain_http_hosts[i]), str_from(name)))
            return true;
    }
    return t->is_plain_http;
}

static struct oci_host *add_host(struct oci_hosts *t, const char *name)
{
    struct oci_host *h = mem_new(struct oci_host);
    h->table = t;
    h->name = mem_strdup(name);
    h->reach = is_plain_asked(t, name) ? OCI_REACH_PLAIN : OCI_REACH_UNKNOWN;
    mem_grow(&t->items, t->count, &t->cap);
    t->items[t->count++] = h;
    return h;
}

struct oci_host *oci_hosts_find(struct oci_hosts *t, const char *name)
{
    struct oci_host *found = NULL;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; found == NULL && i < t->count; i++) {
        if (strcmp(t->items[i]->name, name) == 0)
            found = t->items[i];
    }
    if (found == NULL)
        found = add_host(t, name);
    pthread_mutex_unlock(&t->lock);
    return found;
}

const char *oci_host_name(const struct oci_host *h)
{
    return h->name;
}

const char *oci_host_wire(const struct oci_host *h)
{
    return oci_wire_host(h->name);
}

enum oci_reach oci_host_reach(struct oci_host *h)
{
    pthread_mutex_lock(&h->table->lock);
    enum oci_reach reach = h->reach;
    pthread_mutex_unlock(&h->table->lock);
    return reach;
}

void oci_host_settle(struct oci_host *h, enum oci_reach reach)
{
    pthread_mutex_lock(&h->table->lock);
    if (h->reach == OCI_REACH_UNKNOWN)
        h->reach = reach;
    pthread_mutex_unlock(&h->table->lock);
}

enum oci_habit oci_host_habit(struct oci_host *h)
{
    pthread_mutex_lock(&h->table->lock);
    enum oci_habit habit = h->habit;
    pthread_mutex_unlock(&h->table->lock);
    return habit;
}

void oci_host_set_habit(struct oci_host *h, enum oci_habit habit)
{
    pthread_mutex_lock(&h->table->lock);
    h->habit = habit;
    pthread_mutex_unlock(&h->table->lock);
}

/* Under the lock. */
static struct lookup *find_lookup(struct oci_host *h, const char *repository)
{
    for (size_t i = 0; i < h->lookup_count; i++) {
        if (strcmp(h->lookups[i]->repository, repository) == 0)
            return h->lookups[i];
    }
    struct lookup *l = mem_new(struct lookup);
    l->repository = mem_strdup(repository);
    mem_grow(&h->lookups, h->lookup_count, &h->lookup_cap);
    h->lookups[h->lookup_count++] = l;
    return l;
}

/* The lookup that the caller has to do, else NULL and what is known; waits for whoever does it already. */
static struct lookup *
begin_lookup(struct oci_host *h, const char *repository, const struct oci_credential **ret)
{
    struct oci_hosts *t = h->table;
    struct lookup *l = NULL;
    pthread_mutex_lock(&t->lock);
    if (h->is_given) {
        *ret = &h->given;
    } else {
        l = find_lookup(h, repository);
        while (l->state == LOOKUP_RUNS)
            pthread_cond_wait(&t->looked_up, &t->lock);
        *ret = &l->credential;
    }
    bool is_ours = l != NULL && l->state == LOOKUP_NONE;
    if (is_ours)
        l->state = LOOKUP_RUNS;
    pthread_mutex_unlock(&t->lock);
    return is_ours ? l : NULL;
}

static void end_lookup(
    struct oci_hosts *t, struct lookup *l, bool is_found, struct oci_credential take_credential)
{
    pthread_mutex_lock(&t->lock);
    l->state = is_found ? LOOKUP_DONE : LOOKUP_NONE;
    if (is_found)
        l->credential = take_credential;
    pthread_cond_broadcast(&t->looked_up);
    pthread_mutex_unlock(&t->lock);
}

enum err_kind oci_host_credential(
    struct oci_host *h, const char *repository, const struct oci_credential **ret, struct err *err)
{
    const struct oci_credential_files files = {
        .config = h->table->registry_config,
        .auth_files = (const char *const *)h->table->auth_files};
    const struct oci_credential *known = NULL;
    struct lookup *ours = begin_lookup(h, repository, &known);
    enum err_kind r = ERR_OK;
    if (ours != NULL) {
        struct oci_credential found = {0};
        const char *below = repository[0] == '\0' ? NULL : repository;
        r = oci_credentials_find(&files, h->name, below, &found, err);
        end_lookup(h->table, ours, r == ERR_OK, found);
    }
    if (r == ERR_OK)
        *ret = known;
    return r;
}

void oci_host_set_credential(struct oci_host *h, const struct oci_credential *credential)
{
    struct oci_credential copy = {
        .username = mem_strdup(credential->username),
        .password = mem_strdup(credential->password),
        .identity_token = mem_strdup(credential->identity_token),
        .registry_token = mem_strdup(credential->registry_token)};
    pthread_mutex_lock(&h->table->lock);
    oci_credential_deinit(&h->given);
    h->given = copy;
    h->is_given = true;
    pthread_mutex_unlock(&h->table->lock);
}
