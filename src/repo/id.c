#include "repo/internal.h"

void repo_id_hex(const struct repo_id *id, char ret_hex[REPO_ID_HEX + 1])
{
    git_oid oid = repo_to_oid(id);
    git_oid_tostr(ret_hex, REPO_ID_HEX + 1, &oid);
}

enum err_kind repo_id_parse(struct str hex, struct repo_id *ret, struct err *err)
{
    git_oid oid;
    if (hex.n != REPO_ID_HEX || git_oid_fromstrn(&oid, hex.p, hex.n) < 0)
        return err_set(
            err, ERR_INVALID, "'" STR_FMT "' is not a commit id of %d hexadecimal digits",
            STR_ARG(str_take(hex, 80)), REPO_ID_HEX);
    *ret = repo_from_oid(&oid);
    return ERR_OK;
}

bool repo_id_eq(const struct repo_id *a, const struct repo_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool repo_id_is_none(const struct repo_id *id)
{
    static const struct repo_id none = {{0}};
    return repo_id_eq(id, &none);
}
