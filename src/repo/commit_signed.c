/*
 * A commit with a signature: the object is written here as text (gitformat-signature(5), git-commit-tree(1)),
 * since what is signed is the very text, less the header that holds the signature.
 */
#include "base/mem.h"
#include "repo/internal.h"
#include "repo/sign.h"

static void write_headers(
    struct buf *to,
    const struct repo_commit_spec *spec,
    const git_signature *author,
    const git_signature *committer,
    const git_oid *tree)
{
    char hex[REPO_ID_HEX + 1];
    buf_printf(to, "tree %s\n", git_oid_tostr(hex, sizeof(hex), tree));
    for (size_t i = 0; i < spec->parent_count; i++) {
        repo_id_hex(&spec->parents[i], hex);
        buf_printf(to, "parent %s\n", hex);
    }
    const git_signature *who[] = {author, committer};
    for (size_t i = 0; i < ARRAY_LEN(who); i++)
        buf_printf(
            to, "%s %s <%s> %lld +0000\n", i == 0 ? "author" : "committer", who[i]->name,
            who[i]->email, (long long)who[i]->when.time);
}

/* Lines after the first are the header's continuation: they start with a blank. */
static void write_signature(struct buf *to, struct str signature)
{
    buf_text(to, "gpgsig");
    for (struct str rest = str_trim(signature); rest.p != NULL;) {
        struct str line = str_cut(&rest, '\n');
        buf_printf(to, " " STR_FMT "\n", STR_ARG(line));
    }
}

enum err_kind repo_write_signed_commit(
    struct repo *r,
    const struct repo_commit_spec *spec,
    const git_signature *author,
    const git_signature *committer,
    const git_oid *tree,
    struct repo_id *ret,
    struct err *err)
{
    autobuf struct buf text = {0};
    autobuf struct buf signature = {0};
    write_headers(&text, spec, author, committer, tree);
    size_t headers = text.n;
    buf_printf(&text, "\n%s", spec->message);
    enum err_kind kind = buf_check(&text, "the commit", err);
    if (kind == ERR_OK)
        kind = repo_sign(r->signing_key, buf_view(&text), &signature, err);
    if (kind != ERR_OK)
        return kind;
    autobuf struct buf signed_text = {0};
    buf_str(&signed_text, str_take(buf_view(&text), headers));
    write_signature(&signed_text, buf_view(&signature));
    buf_str(&signed_text, str_skip(buf_view(&text), headers));
    kind = buf_check(&signed_text, "the commit", err);
    if (kind != ERR_OK)
        return kind;
    git_oid id;
    int code = git_odb_write(&id, r->odb, signed_text.p, signed_text.n, GIT_OBJECT_COMMIT);
    if (code < 0)
        return repo_failed(r, code, err, "writing a commit");
    *ret = repo_from_oid(&id);
    return ERR_OK;
}

enum err_kind repo_sign_with(struct repo *r, const char *key_file, struct err *err)
{
    autobuf struct buf ignored = {0};
    enum err_kind kind = repo_sign(key_file, STR("a first try"), &ignored, err);
    if (kind != ERR_OK)
        return kind;
    free(r->signing_key);
    r->signing_key = mem_strdup(key_file);
    return ERR_OK;
}
