/* Blobs read whole, for diffs and merges. */
#include "repo/internal.h"

#define BINARY_LOOK_BYTES 8000

bool repo_is_binary(struct str bytes)
{
    return str_find(str_take(bytes, BINARY_LOOK_BYTES), '\0') >= 0;
}

enum err_kind repo_blob_read(
    struct repo *r,
    const git_oid *id,
    size_t max,
    struct repo_blob *ret,
    bool *ret_is_large,
    struct err *err)
{
    size_t size = 0;
    git_object_t type = GIT_OBJECT_INVALID;
    int code = git_odb_read_header(&size, &type, r->odb, id);
    if (code < 0)
        return repo_object_failed(r, code, err, id, "blob");
    if (type != GIT_OBJECT_BLOB)
        return err_set(err, ERR_IO, "an entry of the tree that should be a file is none");
    *ret_is_large = size > max;
    if (*ret_is_large)
        return ERR_OK;
    git_odb_object *object = NULL;
    code = git_odb_read(&object, r->odb, id);
    if (code < 0)
        return repo_object_failed(r, code, err, id, "blob");
    *ret = (struct repo_blob){
        object, str_of(git_odb_object_data(object), git_odb_object_size(object))};
    return ERR_OK;
}
