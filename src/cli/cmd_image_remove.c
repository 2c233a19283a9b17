/* cup image remove: take names off images of the local store. */
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/store.h"
#include "cli/transport.h"
#include "json/json.h"

struct remove_options {
    struct cli_transport transport;
    bool prunes;
};

#define OPTION(member) offsetof(struct remove_options, member)
static const struct cli_option options[] = {
    {"prune", 0, CLI_OPTION_FLAG, NULL, "then remove what no image needs any more", OPTION(prunes)},
    {0},
};

static enum err_kind remove_one(
    struct cli *c, struct oci_session *session, const char *arg, struct buf *done, struct err *err)
{
    struct oci_ref ref;
    char digest[OCI_DIGEST_MAX];
    enum err_kind r = oci_ref_parse(str_from(arg), &ref, err);
    if (r == ERR_OK)
        r = oci_store_remove(session, &ref, digest, err);
    if (r != ERR_OK)
        return r;
    autofree char *pinned = cli_ref_pinned(&ref, digest);
    if (!cli_output_is_document(c))
        cli_print_line(c, str_from(pinned));
    buf_text(done, done->n > 0 ? "," : "");
    json_text_string(done, str_from(pinned));
    return ERR_OK;
}

static enum err_kind finish(
    struct cli *c,
    const struct remove_options *o,
    struct oci_session *session,
    const struct buf *done,
    struct err *err)
{
    static const struct oci_prune_options ordinary = {
        .max_age_s = -1, .max_bytes = UINT64_MAX, .grace_s = OCI_PRUNE_GRACE_S};
    if (o->prunes)
        return cli_prune(c, session, NULL, &ordinary, err);
    if (!cli_output_is_document(c))
        return ERR_OK;
    autobuf struct buf text = {0};
    buf_printf(&text, "{\"removed\":[" STR_FMT "]}", STR_ARG(buf_view(done)));
    return cli_print_document(c, buf_view(&text), err);
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct remove_options *o = data;
    auto_images struct cli_images images = {0};
    autobuf struct buf done = {0};
    enum err_kind r = cli_check_args(c, 1, SIZE_MAX, "a reference", err);
    if (r == ERR_OK)
        r = cli_images_open(c, &o->transport, &images, err);
    if (r != ERR_OK)
        return r;
    for (size_t i = 0; i < c->args.count; i++) {
        struct err one = {0};
        if (remove_one(c, images.session, c->args.items[i], &done, &one) != ERR_OK)
            cli_report(c, &one);
    }
    return finish(c, o, images.session, &done, err);
}

const struct cli_command cmd_image_remove = {
    .name = "remove",
    .aliases = (const char *const[]){"rm", NULL},
    .summary = "Take names off images of the local store",
    .usage = "REF…",
    .details =
        "REF is a name of the local store, or oci-layout:DIR[:TAG]; REPOSITORY@DIGEST means all\n"
        "tags of the repository on that image. What other names need stays; what nothing needs\n"
        "any more goes with --prune, or with the next 'cup image prune'.\n",
    .options = options,
    .shared_options = cli_store_options,
    .options_bytes = sizeof(struct remove_options),
    .run = run,
};
