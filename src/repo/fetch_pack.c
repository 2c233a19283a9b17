/*
 * A pack out of the side band into quarantine, looked at and indexed as it comes, and from there into the
 * clone.
 *
 * source  gitprotocol-v2(5), "fetch", output; gitprotocol-pack(5), "Packfile Data"
 */
#include "base/clock.h"
#include "base/mem.h"
#include "repo/fetch.h"

/* Is it to end? Resolving the deltas of a large pack, and looking through it, takes its time. */
static bool is_over(const struct wire *w)
{
    return clock_monotonic_ms() >= w->end_ms || (w->cancel != NULL && atomic_load(w->cancel));
}

enum err_kind fetch_is_over(const struct wire *w, struct err *err)
{
    if (!is_over(w))
        return ERR_OK;
    return w->cancel != NULL && atomic_load(w->cancel)
        ? err_set(err, ERR_CANCELLED, "interrupted")
        : err_set(err, ERR_TIMEOUT, "the pack could not be stored in time");
}

/* Called for each object; what it returns ends the indexing. */
static int on_progress(const git_indexer_progress *stats, void *data)
{
    const struct fetch_pack *p = data;
    (void)stats;
    return is_over(p->wire) ? GIT_EUSER : 0;
}

/* libgit2's own check of what objects name takes the commits of submodules for missing ones. */
static enum err_kind begin(struct fetch_pack *p, struct err *err)
{
    static const struct pack_limits limits = PACK_LIMITS_DEFAULT;
    enum err_kind kind = quarantine_make(p->repo, &p->quarantine, err);
    if (kind != ERR_OK)
        return kind;
    git_indexer_options options;
    autofree char *dir = mem_printf("%s/objects/pack", p->quarantine.path);
    git_indexer_options_init(&options, GIT_INDEXER_OPTIONS_VERSION);
    options.progress_cb = on_progress;
    options.progress_cb_payload = p;
    p->scan = pack_scan_new(&limits);
    int code = git_indexer_new(&p->indexer, dir, 0, p->quarantine.repo->odb, &options);
    return code < 0 ? repo_failed(p->repo, code, err, "storing a pack") : ERR_OK;
}

/* What the indexer does not like is the remote's fault, unless the disk says no. */
static enum err_kind pack_failed(struct fetch_pack *p, int code, struct err *err)
{
    if (code == GIT_EUSER)
        return fetch_is_over(p->wire, err);
    enum err_kind kind =
        repo_failed(p->quarantine.repo, code, err, "the pack that came is not good");
    return kind == ERR_NO_SPACE ? kind : err_as(err, ERR_FAILED);
}

static enum err_kind append(struct fetch_pack *p, struct str bytes, struct err *err)
{
    enum err_kind kind = p->indexer == NULL ? begin(p, err) : ERR_OK;
    if (kind == ERR_OK)
        kind = pack_scan_add(p->scan, bytes, err);
    if (kind != ERR_OK)
        return kind;
    p->has_data = true;
    int code = git_indexer_append(p->indexer, bytes.p, bytes.n, &p->stats);
    return code < 0 ? pack_failed(p, code, err) : ERR_OK;
}

/* Band 1 is the pack, 2 what people may read, 3 why it ends. */
static enum err_kind take_band(struct fetch_pack *p, struct str payload, struct err *err)
{
    char band = payload.n > 0 ? payload.p[0] : 0;
    struct str rest = str_skip(payload, 1);
    if (band == 1)
        return append(p, rest, err);
    if (band == 2)
        return ERR_OK;
    autofree char *words = wire_escape(rest, 300);
    return band == 3 ? err_set(err, ERR_FAILED, "the remote says: %s", words)
                     : err_set(err, ERR_FAILED, "the answer to a fetch is not Git's");
}

static bool is_acknowledgement(struct str line)
{
    return str_starts(line, STR("NAK")) || str_starts(line, STR("ACK "));
}

enum err_kind
fetch_pack_take(void *data, enum wire_pkt_kind kind, struct str payload, struct err *err)
{
    struct fetch_pack *p = data;
    if (kind != WIRE_PKT_DATA) {
        p->is_done = p->is_done || (kind == WIRE_PKT_FLUSH && p->has_data);
        return ERR_OK;
    }
    if (str_starts(payload, STR("ERR "))) {
        autofree char *words = wire_escape(str_skip(payload, 4), 300);
        return err_set(err, ERR_FAILED, "the remote says: %s", words);
    }
    if (p->version == 2 && !p->is_packfile) {
        /* sections before it (acknowledgments, wanted-refs) tell nothing that we asked for */
        p->is_packfile = str_eqz(str_trim(payload), "packfile");
        return ERR_OK;
    }
    if (p->version != 2 && !p->has_data && is_acknowledgement(payload))
        return ERR_OK;
    return take_band(p, payload, err);
}

enum err_kind fetch_pack_finish(struct fetch_pack *p, struct err *err)
{
    if (!p->is_done)
        return err_set(err, ERR_UNAVAILABLE, "the pack ended in the middle");
    enum err_kind kind = pack_scan_finish(p->scan, err);
    if (kind != ERR_OK)
        return kind;
    int code = git_indexer_commit(p->indexer, &p->stats);
    if (code == 0)
        code = git_odb_refresh(p->quarantine.repo->odb);
    return code < 0 ? pack_failed(p, code, err) : ERR_OK;
}

enum err_kind fetch_pack_release(struct fetch_pack *p, struct err *err)
{
    return quarantine_release(&p->quarantine, p->repo, git_indexer_name(p->indexer), err);
}

void fetch_pack_deinit(struct fetch_pack *p)
{
    git_indexer_free(p->indexer);
    p->indexer = NULL;
    p->scan = pack_scan_free(p->scan);
    quarantine_deinit(&p->quarantine);
}
