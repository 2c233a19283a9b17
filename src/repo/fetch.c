/*
 * repo_fetch: the refs that matter are asked for, what is missing comes as one pack, and only when it is
 * there, whole and connected, refs move. One round: what we have is what the remote itself had at the last
 * fetch, so there is nothing to negotiate about.
 *
 * source  gitprotocol-v2(5), "ls-refs", "fetch"; gitprotocol-pack(5), "Packfile Negotiation"
 */
#include "repo/fetch.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "repo/refs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

#define HAVES_MAX 256
#define ANCESTORS_MAX 1025
/* A first fetch brings the whole history; it has that many times as long. */
#define CLONE_TIMES 10
#define LOCK_STEP_MS 20
#define OUR_HEADS "refs/heads/cup/"
#define OUR_REFS "refs/cup/"

/* --- which refs ---------------------------------------------------------------------------------------- */

static bool is_wanted(const void *branch_ref, struct str name)
{
    return str_eqz(name, branch_ref) || str_starts(name, STR(OUR_HEADS)) ||
        str_starts(name, STR(OUR_REFS));
}

static char *ls_refs_request(const char *branch_ref, size_t *ret_n)
{
    autobuf struct buf b = {0};
    wire_pkt_printf(&b, "command=ls-refs\n");
    wire_pkt_printf(&b, "agent=cup/" CUP_VERSION "\n");
    wire_pkt_printf(&b, "object-format=sha1\n");
    wire_pkt_delim(&b);
    wire_pkt_printf(&b, "ref-prefix %s\n", branch_ref);
    wire_pkt_printf(&b, "ref-prefix " OUR_HEADS "\n");
    wire_pkt_printf(&b, "ref-prefix " OUR_REFS "\n");
    wire_pkt_flush(&b);
    *ret_n = b.n;
    return buf_steal(&b);
}

/* Version 2 lists refs on request: without the repository's others, however many there are. */
static enum err_kind ls_refs(
    const struct wire *w,
    const struct wire_filter *filter,
    const char *branch_ref,
    struct wire_advert *advert,
    struct err *err)
{
    size_t n = 0;
    autofree char *request = ls_refs_request(branch_ref, &n);
    struct wire_advert_reader state = {.advert = advert, .filter = filter, .has_begun = true};
    auto_wire_reader struct wire_reader reader = {.take = wire_advert_take, .data = &state};
    advert->version = 0; /* the lines are those of version 0 */
    enum err_kind r = wire_ask(w, WIRE_UPLOAD_PACK, 2, str_of(request, n), &reader, NULL, err);
    advert->version = 2;
    if (r == ERR_OK && !state.is_done)
        return err_set(
            err, ERR_UNAVAILABLE, "repository '%s': the list of refs ended in the middle",
            w->place->shown);
    return r;
}

enum err_kind repo_remote_refs(
    const struct wire *w, const char *branch_ref, struct wire_advert *ret, struct err *err)
{
    struct wire_filter filter = {is_wanted, branch_ref};
    struct wire_place *p = w->place;
    pthread_mutex_lock(&p->lock);
    bool is_known = p->upload_version == 2;
    pthread_mutex_unlock(&p->lock);
    if (is_known && ls_refs(w, &filter, branch_ref, ret, NULL) == ERR_OK)
        return ERR_OK;
    wire_advert_deinit(ret); /* what was known may have changed: from the beginning */
    enum err_kind r = wire_advertise(w, WIRE_UPLOAD_PACK, &filter, ret, err);
    if (r == ERR_OK && ret->version == 2)
        r = ls_refs(w, &filter, branch_ref, ret, err);
    pthread_mutex_lock(&p->lock);
    p->upload_version = r == ERR_OK ? ret->version : -1;
    pthread_mutex_unlock(&p->lock);
    return r;
}

/* --- the pack ------------------------------------------------------------------------------------------ */

static bool has_object(struct repo *r, const struct repo_id *id)
{
    git_oid oid = repo_to_oid(id);
    return git_odb_exists(r->odb, &oid) == 1;
}

static void add_want(struct buf *b, const struct repo_id *id, int version, bool is_first)
{
    char hex[REPO_ID_HEX + 1];
    repo_id_hex(id, hex);
    if (version != 2 && is_first)
        wire_pkt_printf(
            b, "want %s side-band-64k thin-pack ofs-delta agent=cup/" CUP_VERSION "\n", hex);
    else
        wire_pkt_printf(b, "want %s\n", hex);
}

static void add_have(struct buf *b, const struct repo_id *id)
{
    char hex[REPO_ID_HEX + 1];
    repo_id_hex(id, hex);
    wire_pkt_printf(b, "have %s\n", hex);
}

struct ancestors {
    struct buf *to;
    size_t at; /* how far back */
};

/* The nearest ones, then ever fewer. */
static bool add_ancestor(const struct repo_commit_info *info, void *data)
{
    struct ancestors *a = data;
    if (a->at < 8 || (a->at & (a->at - 1)) == 0)
        add_have(a->to, &info->id);
    a->at++;
    return true;
}

/* The branch first: it knows most, and what lies behind it bounds what comes after a forced push, which
 * the tips alone do not. */
static void add_haves(struct repo *r, struct buf *b, const struct repo_refs *have)
{
    struct ancestors behind = {.to = b};
    for (size_t i = 0; i < have->count && i < HAVES_MAX; i++)
        add_have(b, &have->items[have->count - 1 - i].commit);
    if (have->count == 0)
        return;
    const struct repo_id *tip = &have->items[have->count - 1].commit;
    (void)!repo_log(r, tip, NULL, ANCESTORS_MAX, add_ancestor, &behind, NULL);
}

static size_t write_request(
    struct repo *r, const struct wire_advert *there, const struct repo_refs *have, struct buf *to)
{
    size_t wants = 0;
    if (there->version == 2) {
        wire_pkt_printf(to, "command=fetch\n");
        wire_pkt_printf(to, "agent=cup/" CUP_VERSION "\n");
        wire_pkt_printf(to, "object-format=sha1\n");
        wire_pkt_delim(to);
        wire_pkt_printf(to, "thin-pack\n");
        wire_pkt_printf(to, "ofs-delta\n");
    }
    for (size_t i = 0; i < there->refs.count; i++)
        if (!has_object(r, &there->refs.items[i].commit))
            add_want(to, &there->refs.items[i].commit, there->version, wants++ == 0);
    if (there->version != 2)
        wire_pkt_flush(to);
    add_haves(r, to, have);
    wire_pkt_printf(to, "done\n");
    if (there->version == 2)
        wire_pkt_flush(to);
    return wants;
}

static enum err_kind
ask_for_pack(const struct wire *w, struct fetch_pack *pack, struct str request, struct err *err)
{
    auto_wire_reader struct wire_reader reader = {.take = fetch_pack_take, .data = pack};
    return wire_ask(w, WIRE_UPLOAD_PACK, pack->version, request, &reader, NULL, err);
}

/* What is missing comes into quarantine, and over into the clone when all is there. */
static enum err_kind fetch_pack(
    struct repo *r,
    const struct wire *w,
    const struct wire_advert *there,
    const struct repo_refs *have,
    struct err *err)
{
    autobuf struct buf request = {0};
    auto_fetch_pack struct fetch_pack pack = {.repo = r, .wire = w, .version = there->version};
    bool is_needed = write_request(r, there, have, &request) > 0;
    enum err_kind kind = buf_check(&request, "the request", err);
    if (kind == ERR_OK && is_needed)
        kind = ask_for_pack(w, &pack, buf_view(&request), err);
    if (kind != ERR_OK)
        return kind;
    if (is_needed)
        kind = fetch_pack_finish(&pack, err);
    if (kind == ERR_OK)
        kind = fetch_check(is_needed ? pack.quarantine.repo : r, w, &there->refs, have, err);
    if (kind == ERR_OK && is_needed)
        kind = fetch_pack_release(&pack, err);
    return kind == ERR_OK ? kind : err_wrap(err, "repository '%s'", r->shown);
}

/* --- refs here ----------------------------------------------------------------------------------------- */

/* As they stand here before the remote is asked: what moves meanwhile is newer than its answer. */
static enum err_kind
refs_here(struct repo *r, const char *branch_ref, struct repo_refs *ret, struct err *err)
{
    static const char *const prefixes[] = {OUR_HEADS, OUR_REFS};
    size_t cap = 0;
    struct repo_id branch;
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        struct repo_refs some = {0};
        enum err_kind kind = repo_ref_list(r, prefixes[i], &some, err);
        for (size_t k = 0; kind == ERR_OK && k < some.count; k++) {
            mem_grow(&ret->items, ret->count, &cap);
            ret->items[ret->count++] =
                (struct repo_ref){steal(&some.items[k].name), some.items[k].commit};
        }
        repo_refs_deinit(&some);
        if (kind != ERR_OK)
            return kind;
    }
    enum err_kind kind = repo_ref_read(r, branch_ref, &branch, err);
    if (kind == ERR_OK) {
        mem_grow(&ret->items, ret->count, &cap);
        ret->items[ret->count++] = (struct repo_ref){mem_strdup(branch_ref), branch};
    }
    return kind == ERR_NOT_FOUND ? ERR_OK : kind;
}

/*
 * CONFLICT: it moved here meanwhile, by a push of ours: that is newer, and the next fetch tells. A ref beside
 * the branch that points to no commit, or clashes with another, is somebody else's and left out.
 */
static enum err_kind
move_one(struct repo *r, const struct repo_ref_update *u, bool is_branch, struct err *err)
{
    struct err own = {0};
    enum err_kind kind = repo_ref_update_here(r, u, 1, &own);
    bool is_odd = kind == ERR_NOT_FOUND || kind == ERR_INVALID || kind == ERR_EXISTS;
    if (kind == ERR_OK || kind == ERR_CONFLICT || (is_odd && !is_branch))
        return ERR_OK;
    if (err != NULL)
        *err = own;
    return kind;
}

static int cmp_names(const void *a, const void *b)
{
    return strcmp(((const struct repo_ref *)a)->name, ((const struct repo_ref *)b)->name);
}

static const struct repo_ref *find_sorted(const struct repo_refs *refs, const char *name)
{
    struct repo_ref key = {.name = (char *)(uintptr_t)name};
    return refs->count == 0
        ? NULL
        : bsearch(&key, refs->items, refs->count, sizeof(*refs->items), cmp_names);
}

/* What is gone goes first: a name may come back as a directory of refs. The branch itself moves last. */
static enum err_kind move_refs(
    struct repo *r,
    const char *branch_ref,
    struct repo_refs *here,
    struct repo_refs *there,
    struct err *err)
{
    enum err_kind kind = ERR_OK;
    if (there->count > 1)
        qsort(there->items, there->count, sizeof(*there->items), cmp_names);
    if (here->count > 1)
        qsort(here->items, here->count, sizeof(*here->items), cmp_names);
    for (size_t i = 0; kind == ERR_OK && i < here->count; i++) {
        const struct repo_ref *old = &here->items[i];
        struct repo_ref_update u = {.name = old->name, .old_commit = old->commit};
        if (find_sorted(there, old->name) == NULL)
            kind = move_one(r, &u, false, err);
    }
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; kind == ERR_OK && i < there->count; i++) {
            const struct repo_ref *now = &there->items[i];
            const struct repo_ref *old = find_sorted(here, now->name);
            if ((strcmp(now->name, branch_ref) == 0) != (pass == 1))
                continue;
            struct repo_ref_update u = {.name = now->name, .new_commit = now->commit};
            if (old != NULL)
                u.old_commit = old->commit;
            if (old == NULL || !repo_id_eq(&old->commit, &now->commit))
                kind = move_one(r, &u, pass == 1, err);
        }
    }
    return kind;
}

/* --- all of it ----------------------------------------------------------------------------------------- */

static enum err_kind lock(struct repo *r, const struct wire *w, int *ret_fd, struct err *err)
{
    *ret_fd = open(r->fetch_lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*ret_fd < 0)
        return err_errno(err, errno, "the lock beside the clone of '%s'", r->shown);
    while (flock(*ret_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_errno(err, errno, "locking the clone of '%s'", r->shown);
        if (w->cancel != NULL && atomic_load(w->cancel))
            return err_set(err, ERR_CANCELLED, "interrupted");
        if (clock_monotonic_ms() >= w->end_ms)
            return err_set(
                err, ERR_TIMEOUT, "another process has been fetching '%s' all the time", r->shown);
        nanosleep(&(struct timespec){.tv_nsec = LOCK_STEP_MS * 1000000L}, NULL);
    }
    return ERR_OK;
}

static enum err_kind
fetch_locked(struct repo *r, struct wire *w, const char *branch_ref, struct err *err)
{
    struct repo_refs here = {0};
    auto_advert struct wire_advert there = {0};
    enum err_kind kind = refs_here(r, branch_ref, &here, err);
    if (kind == ERR_OK)
        kind = repo_remote_refs(w, branch_ref, &there, err);
    if (here.count == 0)
        w->end_ms += (CLONE_TIMES - 1) * w->place->timeout_ms;
    if (kind == ERR_OK)
        kind = fetch_pack(r, w, &there, &here, err);
    if (kind == ERR_OK)
        kind = move_refs(r, branch_ref, &here, &there.refs, err);
    if (kind == ERR_OK && find_sorted(&there.refs, branch_ref) == NULL)
        kind = err_set(
            err, ERR_NOT_FOUND, "repository '%s' has no branch '%s'", r->shown,
            branch_ref + strlen("refs/heads/"));
    repo_refs_deinit(&here);
    return kind;
}

enum err_kind
repo_fetch(struct repo *r, const char *branch, const atomic_bool *cancel, struct err *err)
{
    if (r->place == NULL)
        return ERR_OK;
    autoclose int fd = -1;
    autofree char *branch_ref = mem_printf("refs/heads/%s", branch);
    struct wire w = wire_begin(r->place, cancel);
    enum err_kind kind = repo_check_ref_name(str_from(branch_ref), err);
    if (kind == ERR_OK) {
        pthread_mutex_lock(&r->lock);
        free(r->branch);
        r->branch = mem_strdup(branch);
        pthread_mutex_unlock(&r->lock);
        kind = lock(r, &w, &fd, err);
    }
    if (kind == ERR_OK)
        kind = fetch_locked(r, &w, branch_ref, err);
    if (kind == ERR_OK)
        r->fetched_ms = clock_monotonic_ms();
    return kind;
}
