#include "oci/host.h"
#include "base/mem.h"

#include <pthread.h>

enum lookup { LOOKUP_NONE, LOOKUP_RUNS, LOOKUP_DONE };

struct oci_host {
    struct oci_hosts *table;
    char *name;
    /* The rest is under the table's lock. */
    enum oci_reach reach;
    enum oci_habit habit;
    enum lookup lookup;
    struct oci_credential credential; /* does not change once the lookup is done */
};

struct oci_hosts {
    char *registry_config;
    bool is_plain_http;
    char **plain_http_hosts; /* NULL-terminated */
    pthread_mutex_t lock;    /* guards what follows and the hosts */
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

struct oci_hosts *
oci_hosts_new(const char *registry_config, bool is_plain_http, const char *const *plain_http_hosts)
{
    struct oci_hosts *t = mem_new(struct oci_hosts);
    t->registry_config = mem_strdup(registry_config);
    t->is_plain_http = is_plain_http;
    t->plain_http_hosts = copy_list(plain_http_hosts);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->looked_up, NULL);
    return t;
}

struct oci_hosts *oci_hosts_free(struct oci_hosts *t)
{
    if (t == NULL)
        return NULL;
    for (size_t i = 0; i < t->count; i++) {
        free(t->items[i]->name);
        oci_credential_deinit(&t->items[i]->credential);
        free(t->items[i]);
    }
    free(t->items);
    for (size_t i = 0; t->plain_http_hosts[i] != NULL; i++)
        free(t->plain_http_hosts[i]);
    free(t->plain_http_hosts);
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
    return strcmp(h->name, "docker.io") == 0 ? "registry-1.docker.io" : h->name;
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

/* Whether the caller has to look it up; waits for whoever does already. */
static bool begin_lookup(struct oci_host *h)
{
    struct oci_hosts *t = h->table;
    pthread_mutex_lock(&t->lock);
    while (h->lookup == LOOKUP_RUNS)
        pthread_cond_wait(&t->looked_up, &t->lock);
    bool is_ours = h->lookup == LOOKUP_NONE;
    if (is_ours)
        h->lookup = LOOKUP_RUNS;
    pthread_mutex_unlock(&t->lock);
    return is_ours;
}

static void end_lookup(struct oci_host *h, bool is_found, struct oci_credential take_credential)
{
    struct oci_hosts *t = h->table;
    pthread_mutex_lock(&t->lock);
    h->lookup = is_found ? LOOKUP_DONE : LOOKUP_NONE;
    if (is_found)
        h->credential = take_credential;
    pthread_cond_broadcast(&t->looked_up);
    pthread_mutex_unlock(&t->lock);
}

enum err_kind
oci_host_credential(struct oci_host *h, const struct oci_credential **ret, struct err *err)
{
    if (begin_lookup(h)) {
        struct oci_credential found = {0};
        enum err_kind r = oci_credentials_find(h->table->registry_config, h->name, &found, err);
        end_lookup(h, r == ERR_OK, found);
        if (r != ERR_OK)
            return r;
    }
    *ret = &h->credential;
    return ERR_OK;
}

void oci_host_set_credential(struct oci_host *h, const struct oci_credential *credential)
{
    struct oci_credential copy = {
        .username = mem_strdup(credential->username),
        .password = mem_strdup(credential->password),
        .identity_token = mem_strdup(credential->identity_token),
        .registry_token = mem_strdup(credential->registry_token)};
    oci_credential_deinit(&h->credential);
    end_lookup(h, true, copy);
}
