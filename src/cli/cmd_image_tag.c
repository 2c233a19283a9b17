/* cup image tag: one more name for an image, in the local store or in a layout. */
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/transport.h"
#include "oci/store.h"

struct tag_options {
    struct cli_transport transport;
};

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct tag_options *o = data;
    auto_images struct cli_images images = {0};
    struct oci_ref src, dst;
    char digest[OCI_DIGEST_MAX];
    enum err_kind r = cli_check_args(c, 2, 2, "SRC and DST", err);
    if (r == ERR_OK)
        r = oci_ref_parse(str_from(c->args.items[0]), &src, err);
    if (r == ERR_OK)
        r = oci_ref_parse(str_from(c->args.items[1]), &dst, err);
    if (r == ERR_OK)
        r = cli_images_open(c, &o->transport, &images, err);
    if (r == ERR_OK)
        r = oci_store_tag(images.session, &src, &dst, digest, err);
    return r == ERR_OK ? cli_print_pinned(c, &dst, 1, digest, err) : r;
}

const struct cli_command cmd_image_tag = {
    .name = "tag",
    .summary = "Give an image of the local store one more name",
    .usage = "SRC DST",
    .details =
        "Both are names of the local store, whatever host they have, or both are of one layout,\n"
        "oci-layout:DIR[:TAG]. DST is taken off another image. Prints DST@DIGEST.\n",
    .shared_options = cli_store_options,
    .options_bytes = sizeof(struct tag_options),
    .run = run,
};
