/* cup push: an image of the local store, or of a layout, goes to registries and layouts. */
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/transport.h"
#include "json/json.h"

struct push_options {
    struct cli_transport transport;
    bool no_referrers;
};

#define OPTION(member) offsetof(struct push_options, member)
static const struct cli_option options[] = {
    {"no-referrers", 0, CLI_OPTION_FLAG, NULL, "leave signatures and other attachments here",
     OPTION(no_referrers)},
    {0},
};

/* What was pushed so far. */
struct pushed {
    struct buf references; /* JSON strings with commas */
    char digest[OCI_DIGEST_MAX];
};

static enum err_kind push_to(
    struct cli *c,
    const struct push_options *o,
    struct cli_images *images,
    const struct oci_ref *src,
    const struct oci_ref *dst,
    struct pushed *pushed,
    struct err *err)
{
    enum err_kind r = oci_push(images->session, src, dst, !o->no_referrers, pushed->digest, err);
    if (r != ERR_OK) {
        cli_hint_registry(c, &o->transport, dst, r);
        cli_hint_store(c, src, r);
        return r;
    }
    autofree char *pinned = cli_ref_pinned(dst, pushed->digest);
    if (!cli_output_is_document(c))
        cli_print_line(c, str_from(pinned));
    if (pushed->references.n > 0)
        buf_char(&pushed->references, ',');
    json_text_string(&pushed->references, str_from(pinned));
    return ERR_OK;
}

/* The reference's own registry, where it names one, then each DST. */
static enum err_kind destinations(
    struct cli *c,
    const struct oci_ref *src,
    struct oci_ref *ret,
    size_t *ret_count,
    struct err *err)
{
    size_t count = 0;
    if (src->kind == OCI_REF_REGISTRY) {
        ret[count] = *src;
        /* the digest says which image of the store is meant; a push goes to the tag */
        if (src->tag[0] != '\0')
            ret[count].digest[0] = '\0';
        count++;
    }
    for (size_t i = 1; i < c->args.count; i++) {
        enum err_kind r = oci_ref_parse(str_from(c->args.items[i]), &ret[count++], err);
        if (r != ERR_OK)
            return r;
    }
    if (count == 0)
        return err_set(
            err, ERR_USAGE,
            "'%s' names no registry to push to: give a destination, as in "
            "'cup push %s HOST/REPOSITORY:TAG'",
            c->args.items[0], c->args.items[0]);
    *ret_count = count;
    return ERR_OK;
}

static enum err_kind push_all(
    struct cli *c,
    const struct push_options *o,
    const struct oci_ref *src,
    const struct oci_ref *dsts,
    size_t count,
    struct err *err)
{
    auto_images struct cli_images images = {0};
    struct pushed pushed = {0};
    enum err_kind r = cli_images_open(c, &o->transport, &images, err);
    for (size_t i = 0; r == ERR_OK && i < count; i++)
        r = push_to(c, o, &images, src, &dsts[i], &pushed, err);
    if (r == ERR_OK && cli_output_is_document(c)) {
        autobuf struct buf text = {0};
        buf_printf(
            &text, "{\"digest\":\"%s\",\"references\":[" STR_FMT "]}", pushed.digest,
            STR_ARG(buf_view(&pushed.references)));
        r = cli_print_document(c, buf_view(&text), err);
    }
    buf_deinit(&pushed.references);
    return r;
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    struct oci_ref src;
    enum err_kind r = cli_check_args(c, 1, SIZE_MAX, "a reference", err);
    if (r == ERR_OK)
        r = oci_ref_parse(str_from(c->args.items[0]), &src, err);
    if (r != ERR_OK)
        return r;
    size_t count = 0;
    autofree struct oci_ref *dsts = mem_alloc((c->args.count + 1) * sizeof(*dsts));
    r = destinations(c, &src, dsts, &count, err);
    return r == ERR_OK ? push_all(c, data, &src, dsts, count, err) : r;
}

const struct cli_command cmd_push = {
    .name = "push",
    .group = "Controller images",
    .summary = "Send an image of the local store to registries",
    .usage = "REF [DST…]",
    .details =
        "REF is an image of the local store, or oci-layout:DIR[:TAG]. It goes to REF's own "
        "registry,\n"
        "where REF names one, and to each DST: HOST/REPOSITORY[:TAG] or oci-layout:DIR[:TAG].\n"
        "Signatures and other attachments that the store has of it go along. Prints DST@DIGEST for "
        "each.\n",
    .options = options,
    .shared_options = cli_transport_options,
    .options_bytes = sizeof(struct push_options),
    .run = run,
};
