#include "core/upkeep.h"

#include "base/mem.h"
#include "core/sync.h"
#include "repo/upkeep.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* 6,700 loose objects are some 1,500 changes. */
static const int64_t EACH_MS = 300000;

struct core_upkeep {
    struct repo *repo;
    void (*note)(void *data, enum log_level level, const char *what, struct str value);
    void *note_data;
    bool is_started; /* set before the thread is there */
    struct core_sync *sync;
};

static void tell(struct core_upkeep *u, enum log_level level, const char *what, const char *value)
{
    if (u->note != NULL)
        u->note(u->note_data, level, what, str_from(value));
}

static enum err_kind look(void *data, const atomic_bool *cancel, struct err *err)
{
    struct core_upkeep *u = data;
    struct repo_upkeep_options options = {.cancel = cancel};
    struct repo_upkeep_result result;
    char count[32];
    if (!u->is_started)
        return ERR_OK;
    /* Of this thread alone: on Linux each has a priority of its own (setpriority(2), NOTES). */
    (void)!setpriority(PRIO_PROCESS, (id_t)gettid(), 15);
    enum err_kind r = repo_upkeep(u->repo, &options, &result, err);
    snprintf(count, sizeof(count), "%zu", result.packed);
    if (r == ERR_OK && result.packed > 0)
        tell(u, LOG_INFO, "objects of the repository were packed", count);
    return r == ERR_CANCELLED ? ERR_OK : r;
}

static void note_failure(void *data, const struct err *err)
{
    if (err != NULL)
        tell(data, LOG_WARN, "objects of the repository could not be packed", err->text);
}

/* The first look does nothing: a start is no time for it, and a short run needs none. */
enum err_kind core_upkeep_start(
    struct repo *repo,
    void (*note)(void *data, enum log_level level, const char *what, struct str value),
    void *note_data,
    struct core_upkeep **ret,
    struct err *err)
{
    struct core_upkeep *u = mem_new(struct core_upkeep);
    struct core_sync_options options = {
        .poll_ms = EACH_MS, .look = look, .note = note_failure, .data = u};
    *u = (struct core_upkeep){.repo = repo, .note = note, .note_data = note_data};
    u->sync = core_sync_new(&options);
    enum err_kind r = core_sync_look(u->sync, NULL, err);
    u->is_started = true;
    if (r == ERR_OK)
        r = core_sync_start(u->sync, err);
    if (r == ERR_OK)
        *ret = u;
    else
        core_upkeep_stop(u);
    return r;
}

struct core_upkeep *core_upkeep_stop(struct core_upkeep *u)
{
    if (u == NULL)
        return NULL;
    core_sync_free(u->sync);
    free(u);
    return NULL;
}
