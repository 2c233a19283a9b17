#include "core/scm_git.h"

#include "base/clock.h"
#include "base/mem.h"
#include "repo/repo.h"

_Static_assert(SCM_COMMIT_HEX == REPO_ID_HEX, "ids go through unchanged");

/* "" is none. */
static enum err_kind parse_id(const char *hex, struct repo_id *ret, struct err *err)
{
    *ret = (struct repo_id){{0}};
    return hex[0] == '\0' ? ERR_OK : repo_id_parse(str_from(hex), ret, err);
}

static void id_text(const struct repo_id *id, char ret[SCM_COMMIT_HEX + 1])
{
    ret[0] = '\0';
    if (!repo_id_is_none(id))
        repo_id_hex(id, ret);
}

static enum err_kind
read_ref(void *context, const char *name, char ret_commit[SCM_COMMIT_HEX + 1], struct err *err)
{
    struct repo_id id = {{0}};
    enum err_kind r = repo_ref_read(context, name, &id, err);
    if (r != ERR_OK && r != ERR_NOT_FOUND)
        return r;
    id_text(&id, ret_commit);
    return ERR_OK;
}

static enum err_kind list_refs(
    void *context,
    const char *prefix,
    bool (*visit)(const char *name, const char *commit, void *data),
    void *data,
    struct err *err)
{
    struct repo_refs refs = {0};
    enum err_kind r = repo_ref_list(context, prefix, &refs, err);
    for (size_t i = 0; r == ERR_OK && i < refs.count; i++) {
        char commit[SCM_COMMIT_HEX + 1];
        repo_id_hex(&refs.items[i].commit, commit);
        if (!visit(refs.items[i].name, commit, data))
            break;
    }
    repo_refs_deinit(&refs);
    return r;
}

static enum err_kind
update_refs(void *context, const char *const (*updates)[3], size_t count, struct err *err)
{
    autofree struct repo_ref_update *moves = mem_alloc((count + 1) * sizeof(*moves));
    for (size_t i = 0; i < count; i++) {
        moves[i].name = updates[i][0];
        enum err_kind r = parse_id(updates[i][1], &moves[i].old_commit, err);
        if (r == ERR_OK)
            r = parse_id(updates[i][2], &moves[i].new_commit, err);
        if (r != ERR_OK)
            return r;
    }
    return repo_ref_update(context, moves, count, err);
}

static enum err_kind describe(
    void *context,
    const char *commit,
    char **ret_message,
    char **ret_author,
    int64_t *ret_unix_s,
    struct err *err)
{
    struct repo_id id;
    struct repo_commit_info info = {0};
    enum err_kind r = repo_id_parse(str_from(commit), &id, err);
    if (r == ERR_OK)
        r = repo_commit_info(context, &id, &info, err);
    if (r == ERR_OK) {
        *ret_message = steal(&info.message);
        *ret_author = steal(&info.author_name);
        *ret_unix_s = info.author_unix_s;
    }
    repo_commit_info_deinit(&info);
    return r;
}

typedef enum err_kind (*common_fn)(
    struct repo *r,
    const struct repo_id *a,
    const struct repo_id *b,
    struct repo_id *ret,
    struct err *err);

static enum err_kind find_common(
    struct repo *repo,
    common_fn find,
    const char *a,
    const char *b,
    char ret_commit[SCM_COMMIT_HEX + 1],
    struct err *err)
{
    struct repo_id ids[2];
    struct repo_id found;
    enum err_kind r = repo_id_parse(str_from(a), &ids[0], err);
    if (r == ERR_OK)
        r = repo_id_parse(str_from(b), &ids[1], err);
    if (r == ERR_OK)
        r = find(repo, &ids[0], &ids[1], &found, err);
    if (r == ERR_OK)
        repo_id_hex(&found, ret_commit);
    return r;
}

static enum err_kind merge_base(
    void *context,
    const char *a,
    const char *b,
    char ret_commit[SCM_COMMIT_HEX + 1],
    struct err *err)
{
    return find_common(context, repo_merge_base, a, b, ret_commit, err);
}

static enum err_kind fork_point(
    void *context,
    const char *target,
    const char *branch,
    char ret_commit[SCM_COMMIT_HEX + 1],
    struct err *err)
{
    return find_common(context, repo_fork_point, target, branch, ret_commit, err);
}

static enum err_kind merge(
    void *context,
    const char *ours,
    const char *theirs,
    const char *message,
    const char *author_name,
    const char *author_email,
    char ret_commit[SCM_COMMIT_HEX + 1],
    struct err *err)
{
    struct repo_id ids[2];
    struct repo_id merged;
    struct repo_commit_spec spec = {
        .author = {author_name, author_email},
        .committer = {"cup", "cup@flipt.io"},
        .when_unix_s = clock_unix_ms() / 1000,
        .message = message,
    };
    enum err_kind r = repo_id_parse(str_from(ours), &ids[0], err);
    if (r == ERR_OK)
        r = repo_id_parse(str_from(theirs), &ids[1], err);
    if (r == ERR_OK)
        r = repo_merge(context, &ids[0], &ids[1], &spec, &merged, err);
    if (r == ERR_OK)
        repo_id_hex(&merged, ret_commit);
    return r;
}

static enum err_kind mark(
    void *context,
    const char *commit,
    const char *message,
    char ret_commit[SCM_COMMIT_HEX + 1],
    struct err *err)
{
    struct repo_id id;
    struct repo_id marked;
    const struct repo_commit_spec spec = {
        .author = {"cup", "cup@flipt.io"},
        .committer = {"cup", "cup@flipt.io"},
        .when_unix_s = clock_unix_ms() / 1000,
        .message = message,
    };
    enum err_kind r = repo_id_parse(str_from(commit), &id, err);
    if (r == ERR_OK)
        r = repo_commit_mark(context, &id, &spec, &marked, err);
    if (r == ERR_OK)
        repo_id_hex(&marked, ret_commit);
    return r;
}

struct log_visit {
    bool (*visit)(
        const char *commit,
        const char *message,
        const char *author,
        int64_t unix_s,
        const char *second_parent,
        void *data);
    void *data;
};

static bool pass_on(const struct repo_commit_info *info, void *data)
{
    const struct log_visit *v = data;
    char commit[SCM_COMMIT_HEX + 1];
    char second[SCM_COMMIT_HEX + 1];
    id_text(&info->id, commit);
    id_text(&info->second_parent, second);
    return v->visit(commit, info->message, info->author_name, info->author_unix_s, second, v->data);
}

static enum err_kind walk_log(
    void *context,
    const char *from,
    size_t max,
    bool (*visit)(
        const char *commit,
        const char *message,
        const char *author,
        int64_t unix_s,
        const char *second_parent,
        void *data),
    void *data,
    struct err *err)
{
    struct log_visit v = {.visit = visit, .data = data};
    struct repo_id start;
    struct repo_id root = {{0}};
    enum err_kind r = repo_id_parse(str_from(from), &start, err);
    return r == ERR_OK ? repo_log(context, &start, &root, max, pass_on, &v, err) : r;
}

void core_scm_git_init(struct scm_git *git, struct repo *repo)
{
    *git = (struct scm_git){
        .context = repo,
        .read_ref = read_ref,
        .list_refs = list_refs,
        .update_refs = update_refs,
        .describe = describe,
        .merge_base = merge_base,
        .fork_point = fork_point,
        .merge = merge,
        .mark = mark,
        .log = walk_log,
    };
}
