#include "repo/outgoing.h"

#include "repo/new_objects.h"

/* A push of more is a mistake of ours. */
#define COMMITS_MAX 100000u

struct packing {
    struct repo *repo;
    git_packbuilder *builder;
};

static void packing_cleanup(struct packing *p)
{
    git_packbuilder_free(p->builder);
}
#define auto_packing CLEANUP(packing_cleanup)

/* The path tells the builder what resembles what. An object comes in once. */
static enum err_kind
insert(void *data, git_object_t type, const git_oid *id, const char *path, struct err *err)
{
    struct packing *p = data;
    int code = git_packbuilder_insert(p->builder, id, path);
    return code < 0 ? repo_object_failed(p->repo, code, err, id, git_object_type2string(type))
                    : ERR_OK;
}

static int add_bytes(void *bytes, size_t n, void *data)
{
    struct buf *pack = data;
    buf_add(pack, bytes, n);
    return pack->is_failed ? -1 : 0;
}

static enum err_kind write_pack(struct packing *p, struct buf *pack, struct err *err)
{
    int code = git_packbuilder_foreach(p->builder, add_bytes, pack);
    enum err_kind kind = buf_check(pack, "what is to be pushed", err);
    if (kind == ERR_OK && code < 0)
        kind = repo_failed(p->repo, code, err, "packing what is to be pushed");
    return kind;
}

enum err_kind repo_outgoing_pack(
    struct repo *r,
    const struct repo_outgoing *what,
    struct buf *ret_pack,
    size_t *ret_objects,
    struct err *err)
{
    auto_call struct repo_call call = {.repo = r};
    auto_packing struct packing p = {.repo = r};
    const struct repo_new_objects objects = {
        .tips = what->tips,
        .tip_count = what->tip_count,
        .known = what->known,
        .known_count = what->known_count,
        .are_refs_known = true,
        .commits_max = COMMITS_MAX,
        .visit = insert,
        .data = &p,
    };
    ret_pack->max = REPO_OUTGOING_BYTES_MAX;
    enum err_kind kind = repo_borrow(r, &call.git, err);
    if (kind != ERR_OK)
        return kind;
    int code = git_packbuilder_new(&p.builder, call.git);
    if (code < 0)
        return repo_failed(r, code, err, "packing what is to be pushed");
    git_packbuilder_set_threads(p.builder, 1); /* there is little to do, and others do it beside */
    kind = repo_new_objects(r, &objects, err);
    *ret_objects = git_packbuilder_object_count(p.builder);
    return kind == ERR_OK ? write_pack(&p, ret_pack, err) : kind;
}
