#include "oci/copy.h"

enum err_kind oci_push(
    struct oci_session *s,
    const struct oci_ref *src,
    const struct oci_ref *dst,
    bool with_referrers,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    auto_oci_place struct oci_place from = {0}, to = {0};
    if (dst->kind == OCI_REF_STORE)
        return err_set(
            err, ERR_INVALID,
            "'%s' is a name of the local store; a destination has a registry host or is "
            "oci-layout:",
            dst->repository);
    if (dst->digest[0] != '\0')
        return err_set(err, ERR_INVALID, "an image is pushed to a tag, not to a digest");
    /* A registry reference as source means the store's copy (docs/image-format.md section 2). */
    enum err_kind r = oci_session_place(s, src, src->kind != OCI_REF_LAYOUT, false, &from, err);
    if (r == ERR_OK)
        r = oci_session_place(s, dst, false, true, &to, err);
    if (r != ERR_OK)
        return r;
    struct oci_graph_copy copy = {
        .session = s, .verb = "push", .from = &from, .to = &to, .with_referrers = with_referrers};
    r = oci_copy_graph(&copy, ret_digest, err);
    return r == ERR_OK ? r : err_wrap(err, "pushing %s to %s", from.shown, to.shown);
}
