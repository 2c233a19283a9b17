/*
 * repo_push: ref updates carried out at the remote, with the old values said, so that the remote itself
 * compares and swaps; never a force. Only what it has accepted moves here.
 *
 * source  gitprotocol-pack(5), "Pushing Data To a Server", "Reference Update Request and Packfile
 *         Transfer", "Report Status"
 */
#include "base/mem.h"
#include "repo/fetch.h"
#include "repo/outgoing.h"

#include <stdio.h>

#define WORDS_MAX 600

/* A push under way. */
struct push {
    struct repo *repo;
    const struct repo_ref_update *updates;
    size_t count;
    struct wire wire;
    struct buf words; /* what hooks say: band 2 */
    bool is_unpacked; /* "unpack ok" has come */
    size_t done;      /* refs that were reported as moved */
    char *refused;    /* name of the first that was not */
    char *reason;
    bool is_ended;
};

static void push_deinit(struct push *p)
{
    buf_deinit(&p->words);
    free(p->refused);
    free(p->reason);
}
#define auto_push CLEANUP(push_deinit)

/* --- the request --------------------------------------------------------------------------------------- */

static bool brings_objects(const struct push *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (!repo_id_is_none(&p->updates[i].new_commit))
            return true;
    return false;
}

/* Old servers without side-band-64k are none that people run (Git 1.7, 2010). */
static void write_commands(const struct push *p, struct buf *to)
{
    for (size_t i = 0; i < p->count; i++) {
        char old_hex[REPO_ID_HEX + 1];
        char new_hex[REPO_ID_HEX + 1];
        repo_id_hex(&p->updates[i].old_commit, old_hex);
        repo_id_hex(&p->updates[i].new_commit, new_hex);
        autofree char *line = mem_printf("%s %s %s", old_hex, new_hex, p->updates[i].name);
        autofree char *capabilities = mem_printf(
            " report-status side-band-64k %sagent=cup/" CUP_VERSION, p->count > 1 ? "atomic " : "");
        const char *tail = i == 0 ? capabilities : "";
        size_t n = strlen(line) + (i == 0 ? 1 + strlen(tail) : 0);
        buf_printf(to, "%04zx%s", n + 4, line);
        if (i == 0) {
            buf_char(to, '\0');
            buf_text(to, tail);
        }
    }
    wire_pkt_flush(to);
}

/* The tip of the branch that was fetched last; none where there is none. */
static struct repo_id branch_tip(struct repo *r)
{
    struct repo_id tip = {{0}};
    pthread_mutex_lock(&r->lock);
    autofree char *ref = r->branch == NULL ? NULL : mem_printf("refs/heads/%s", r->branch);
    pthread_mutex_unlock(&r->lock);
    if (ref != NULL && repo_ref_read(r, ref, &tip, NULL) != ERR_OK)
        tip = (struct repo_id){{0}};
    return tip;
}

static enum err_kind write_request(const struct push *p, struct buf *to, struct err *err)
{
    size_t objects = 0;
    autofree struct repo_id *tips = mem_alloc(p->count * sizeof(*tips));
    autofree struct repo_id *known = mem_alloc((p->count + 1) * sizeof(*known));
    struct repo_outgoing what = {
        .tips = tips, .tip_count = p->count, .known = known, .known_count = p->count + 1};
    write_commands(p, to);
    if (!brings_objects(p))
        return buf_check(to, "the request", err);
    for (size_t i = 0; i < p->count; i++) {
        tips[i] = p->updates[i].new_commit;
        known[i] = p->updates[i].old_commit;
    }
    known[p->count] = branch_tip(p->repo);
    return repo_outgoing_pack(p->repo, &what, to, &objects, err);
}

/* --- the answer ---------------------------------------------------------------------------------------- */

static void keep_words(struct push *p, struct str words)
{
    if (p->words.n < WORDS_MAX)
        buf_str(&p->words, str_take(words, WORDS_MAX - p->words.n));
}

/* What git says of a ref that others of the same push kept from moving (receive-pack.c,
 * execute_commands_atomic): their reason is the one to tell. */
static bool is_by_others(const char *reason)
{
    return strcmp(reason, "atomic push failure") == 0;
}

static void refuse(struct push *p, struct str name, struct str reason)
{
    if (p->refused != NULL && !is_by_others(p->reason))
        return;
    free(p->refused);
    free(p->reason);
    p->refused = wire_escape(name, 200);
    p->reason = wire_escape(reason, 300);
}

/* A line of the report: "unpack ok", "ok <ref>", "ng <ref> <reason>". */
static enum err_kind
take_report(void *data, enum wire_pkt_kind kind, struct str payload, struct err *err)
{
    struct push *p = data;
    if (kind != WIRE_PKT_DATA) {
        p->is_ended = true;
        return ERR_OK;
    }
    struct str rest = str_trim(payload);
    struct str word = str_cut(&rest, ' ');
    if (str_eqz(word, "unpack")) {
        p->is_unpacked = str_eqz(rest, "ok");
        if (!p->is_unpacked)
            refuse(p, STR(""), rest);
    } else if (str_eqz(word, "ok")) {
        p->done++;
    } else if (str_eqz(word, "ng")) {
        struct str name = str_cut(&rest, ' ');
        refuse(p, name, rest);
    } else if (!str_eqz(word, "option")) {
        return err_set(err, ERR_FAILED, "the report of a push is not Git's");
    }
    return ERR_OK;
}

struct bands {
    struct push *push;
    struct wire_reader report; /* pkts within band 1 */
};

static enum err_kind
take_band(void *data, enum wire_pkt_kind kind, struct str payload, struct err *err)
{
    struct bands *b = data;
    if (kind != WIRE_PKT_DATA || payload.n == 0)
        return ERR_OK;
    struct str rest = str_skip(payload, 1);
    if (payload.p[0] == 1)
        return wire_reader_feed(&b->report, rest, err);
    keep_words(b->push, rest);
    if (payload.p[0] == 2)
        return ERR_OK;
    autofree char *words = wire_escape(rest, 300);
    return err_set(err, ERR_FAILED, "the remote says: %s", words);
}

/* --- what became of it --------------------------------------------------------------------------------- */

/* git's own words for a ref that was elsewhere, or is being moved right now. */
static bool is_race(const char *reason)
{
    static const char *const words[] = {
        "cannot lock",          "failed to lock",      "non-fast-forward",
        "already exists",       "stale info",          "fetch first",
        "failed to update ref", "incorrect old value", "atomic transaction failed"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strstr(reason, words[i]) != NULL)
            return true;
    return false;
}

static enum err_kind explain_refusal(const struct push *p, struct err *err)
{
    autofree char *words = wire_escape(buf_view(&p->words), 300);
    const char *name = p->refused[0] != '\0' ? p->refused : p->updates[0].name;
    return err_set(
        err, is_race(p->reason) ? ERR_CONFLICT : ERR_FAILED,
        "repository '%s' did not take '%s': %s%s%s%s", p->repo->shown, name, p->reason,
        words[0] == '\0' ? "" : " (", words, words[0] == '\0' ? "" : ")");
}

/* The answer was lost: where the refs stand tells what happened. */
static enum err_kind look_again(struct push *p, bool *ret_is_done)
{
    auto_advert struct wire_advert there = {0};
    struct wire w = wire_begin(p->repo->place, NULL);
    size_t done = 0;
    *ret_is_done = false;
    enum err_kind r = repo_remote_refs(&w, p->updates[0].name, &there, NULL);
    for (size_t i = 0; r == ERR_OK && i < p->count; i++) {
        struct repo_id now = {{0}};
        for (size_t k = 0; k < there.refs.count; k++)
            if (strcmp(there.refs.items[k].name, p->updates[i].name) == 0)
                now = there.refs.items[k].commit;
        done += repo_id_eq(&now, &p->updates[i].new_commit);
    }
    *ret_is_done = r == ERR_OK && done == p->count;
    return r;
}

static enum err_kind send_push(struct push *p, struct str request, struct err *err)
{
    struct bands bands = {.push = p, .report = {.take = take_report, .data = p}};
    auto_wire_reader struct wire_reader reader = {.take = take_band, .data = &bands};
    bool is_sent = false;
    enum err_kind r = wire_ask(&p->wire, WIRE_RECEIVE_PACK, 0, request, &reader, &is_sent, err);
    wire_reader_deinit(&bands.report);
    if (r == ERR_OK && p->refused != NULL)
        return explain_refusal(p, err);
    if (r == ERR_OK && p->is_unpacked && p->done == p->count)
        return ERR_OK;
    if (r == ERR_OK)
        r = err_set(
            err, ERR_UNAVAILABLE, "repository '%s': the report of a push ended in the middle",
            p->repo->shown);
    bool is_done = false;
    bool may_be_done = is_sent && (r == ERR_UNAVAILABLE || r == ERR_TIMEOUT);
    if (may_be_done && look_again(p, &is_done) == ERR_OK && is_done)
        return ERR_OK;
    /* whose credentials are not taken is cupd, not the one who asks it */
    return r == ERR_UNAUTHENTICATED || r == ERR_DENIED || r == ERR_NOT_FOUND
        ? err_as(err, ERR_FAILED)
        : r;
}

/* A ref that is elsewhere in the clone already is so at the remote, or was a moment ago. */
static enum err_kind check_here(const struct push *p, struct err *err)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct repo_ref_update *u = &p->updates[i];
        struct repo_id now = {{0}};
        enum err_kind r = repo_ref_read(p->repo, u->name, &now, err);
        if (r == ERR_NOT_FOUND)
            now = (struct repo_id){{0}};
        else if (r != ERR_OK)
            return r;
        if (!repo_id_eq(&now, &u->old_commit))
            return err_set(err, ERR_CONFLICT, "ref '%s' was moved meanwhile", u->name);
    }
    return ERR_OK;
}

/* The remote has them; a fetch that ran beside may have moved them here before us. */
static void follow_here(const struct push *p)
{
    for (size_t i = 0; i < p->count; i++) {
        struct err ignored;
        (void)!repo_ref_update_here(p->repo, &p->updates[i], 1, &ignored);
    }
}

/* So that whoever tries again sees what was in the way. */
static void catch_up(const struct push *p)
{
    struct err ignored;
    pthread_mutex_lock(&p->repo->lock);
    autofree char *branch = mem_strdup(p->repo->branch);
    pthread_mutex_unlock(&p->repo->lock);
    if (branch != NULL)
        (void)!repo_fetch(p->repo, branch, NULL, &ignored);
}

enum err_kind
repo_push(struct repo *r, const struct repo_ref_update *updates, size_t count, struct err *err)
{
    auto_push struct push p = {.repo = r, .updates = updates, .count = count};
    autobuf struct buf request = {0};
    if (count == 0)
        return ERR_OK;
    p.wire = wire_begin(r->place, NULL);
    enum err_kind kind = repo_ref_check_here(r, updates, count, err);
    if (kind == ERR_OK)
        kind = check_here(&p, err);
    if (kind == ERR_OK)
        kind = write_request(&p, &request, err);
    if (kind == ERR_OK)
        kind = send_push(&p, buf_view(&request), err);
    if (kind == ERR_OK)
        follow_here(&p);
    else if (kind == ERR_CONFLICT)
        catch_up(&p);
    return kind;
}
