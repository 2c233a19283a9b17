#include "core/branches.h"

#include "base/mem.h"

#include <pthread.h>
#include <uthash.h>

#define ENTRIES_MAX 10000

/* Of one branch, at one commit. */
struct entry {
    struct repo_id head;
    struct core_objects objects;
    struct buf requests; /* hashes, each with a newline */
    UT_hash_handle hh;
};

struct core_branches {
    pthread_mutex_t lock; /* guards the table; commits are read without it */
    struct entry *entries;
};

struct core_branches *core_branches_new(void)
{
    struct core_branches *b = mem_new(struct core_branches);
    pthread_mutex_init(&b->lock, NULL);
    return b;
}

static void free_entry(struct entry *e)
{
    core_objects_deinit(&e->objects);
    buf_deinit(&e->requests);
    free(e);
}

static void drop_all(struct core_branches *b)
{
    struct entry *e;
    struct entry *next;
    HASH_ITER(hh, b->entries, e, next)
    {
        HASH_DEL(b->entries, e);
        free_entry(e);
    }
}

struct core_branches *core_branches_free(struct core_branches *b)
{
    if (b != NULL) {
        drop_all(b);
        pthread_mutex_destroy(&b->lock);
        free(b);
    }
    return NULL;
}

/* --- reading ---------------------------------------------------------------------------------------- */

static bool add_request(struct str value, void *data)
{
    buf_str(data, value);
    buf_char(data, '\n');
    return true;
}

static bool see_commit(const struct repo_commit_info *info, void *data)
{
    struct entry *e = data;
    core_objects_add_message(&e->objects, info->message);
    repo_trailers(info->message, CORE_REQUEST_TRAILER, add_request, &e->requests);
    return true;
}

static enum err_kind read_branch(
    struct repo *repo,
    const struct repo_id *target,
    const struct repo_id *head,
    struct entry **ret,
    struct err *err)
{
    struct repo_id base = {{0}};
    enum err_kind r = repo_fork_point(repo, target, head, &base, err);
    if (r != ERR_OK && r != ERR_NOT_FOUND)
        return r;
    struct entry *e = mem_new(struct entry);
    e->head = *head;
    r = repo_log(repo, head, &base, CORE_OBJECTS_MAX, see_commit, e, err);
    if (r == ERR_OK)
        *ret = e;
    else
        free_entry(e);
    return r;
}

/* --- looking ---------------------------------------------------------------------------------------- */

static bool has_request(const struct entry *e, const char *request)
{
    for (struct str rest = buf_view(&e->requests); request[0] != '\0' && rest.p != NULL;)
        if (str_eqz(str_cut(&rest, '\n'), request))
            return true;
    return false;
}

static bool look_up(
    struct core_branches *b,
    const struct repo_id *head,
    const struct core_objects *objects,
    const char *request,
    struct core_branch_match *ret)
{
    struct entry *e = NULL;
    HASH_FIND(hh, b->entries, head, sizeof(*head), e);
    if (e != NULL)
        *ret = (struct core_branch_match){
            .has_all = core_objects_has_all(&e->objects, objects),
            .has_request = has_request(e, request),
        };
    return e != NULL;
}

/* Unless another thread was first. */
static void insert(struct core_branches *b, struct entry *take)
{
    struct entry *known = NULL;
    if (HASH_COUNT(b->entries) >= ENTRIES_MAX)
        drop_all(b);
    HASH_FIND(hh, b->entries, &take->head, sizeof(take->head), known);
    if (known != NULL)
        free_entry(take);
    else
        HASH_ADD(hh, b->entries, head, sizeof(take->head), take);
}

enum err_kind core_branches_match(
    struct core_branches *b,
    struct repo *repo,
    const struct repo_id *target,
    const struct repo_id *head,
    const struct core_objects *objects,
    const char *request,
    struct core_branch_match *ret,
    struct err *err)
{
    struct entry *e = NULL;
    pthread_mutex_lock(&b->lock);
    bool is_known = look_up(b, head, objects, request, ret);
    pthread_mutex_unlock(&b->lock);
    if (is_known)
        return ERR_OK;
    enum err_kind r = read_branch(repo, target, head, &e, err);
    if (r != ERR_OK)
        return r;
    pthread_mutex_lock(&b->lock);
    insert(b, e);
    look_up(b, head, objects, request, ret);
    pthread_mutex_unlock(&b->lock);
    return ERR_OK;
}
