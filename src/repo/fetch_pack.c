/*
 * A pack out of the side band into the clone's objects. libgit2's indexer checks each object and that
 * everything it names is there; what fails leaves nothing but a temporary file that goes with it.
 *
 * source  gitprotocol-v2(5), "fetch", output; gitprotocol-pack(5), "Packfile Data"
 */
#include "base/mem.h"
#include "repo/fetch.h"

#define BYTES_MAX ((uint64_t)4 << 30)
#define OBJECTS_MAX ((uint64_t)20000000)

/* Called for each piece; what it returns ends the indexing. */
static int on_progress(const git_indexer_progress *stats, void *data)
{
    const struct fetch_pack *p = data;
    return stats->total_objects > p->objects_max ? GIT_EUSER : 0;
}

static enum err_kind begin(struct fetch_pack *p, struct err *err)
{
    git_indexer_options options;
    autofree char *dir = mem_printf("%s/objects/pack", p->repo->path);
    p->objects_max = OBJECTS_MAX;
    git_indexer_options_init(&options, GIT_INDEXER_OPTIONS_VERSION);
    options.progress_cb = on_progress;
    options.progress_cb_payload = p;
    options.verify = 1;
    int code = git_indexer_new(&p->indexer, dir, 0, p->repo->odb, &options);
    return code < 0 ? repo_failed(p->repo, code, err, "storing a pack") : ERR_OK;
}

/* What the indexer does not like is the remote's fault, unless the disk says no. */
static enum err_kind pack_failed(struct fetch_pack *p, int code, struct err *err)
{
    if (code == GIT_EUSER)
        return err_set(
            err, ERR_LIMIT, "the pack has more than %llu objects",
            (unsigned long long)p->objects_max);
    enum err_kind kind = repo_failed(p->repo, code, err, "the pack that came is not good");
    return kind == ERR_NO_SPACE ? kind : err_as(err, ERR_FAILED);
}

static enum err_kind append(struct fetch_pack *p, struct str bytes, struct err *err)
{
    enum err_kind kind = p->indexer == NULL ? begin(p, err) : ERR_OK;
    if (kind != ERR_OK)
        return kind;
    p->bytes += bytes.n;
    p->has_data = true;
    if (p->bytes > BYTES_MAX)
        return err_set(
            err, ERR_LIMIT, "the pack is larger than %llu bytes", (unsigned long long)BYTES_MAX);
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
    int code = git_indexer_commit(p->indexer, &p->stats);
    if (code == 0)
        code = git_odb_refresh(p->repo->odb);
    return code < 0 ? pack_failed(p, code, err) : ERR_OK;
}

void fetch_pack_deinit(struct fetch_pack *p)
{
    git_indexer_free(p->indexer);
    p->indexer = NULL;
}
