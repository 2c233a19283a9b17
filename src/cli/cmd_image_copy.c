/* cup image copy: an image from anywhere to anywhere. */
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/transport.h"
#include "oci/settle.h"

struct copy_options {
    struct cli_transport transport; /* of both sides, where the side has no flag of its own */
    struct cli_transport from;
    struct cli_transport to;
    bool is_recursive;
    const char *policy;
};

#define OPTION(member) offsetof(struct copy_options, member)
#define SIDE_OPTIONS(side, of)                                                                     \
    {#side "-registry-config",    0, CLI_OPTION_TEXT, "FILE", "credentials " of,                   \
     OPTION(side.registry_config)},                                                                \
        {#side "-plain-http",       0, CLI_OPTION_FLAG, NULL, "HTTP without TLS " of,              \
         OPTION(side.is_plain_http)},                                                              \
        {#side "-ca-file",    0, CLI_OPTION_TEXT, "FILE", "trusted certificates (PEM) " of,        \
         OPTION(side.ca_file)},                                                                    \
        {#side "-cert-file",    0, CLI_OPTION_TEXT, "FILE", "client certificate (PEM) " of,        \
         OPTION(side.cert_file)},                                                                  \
        {#side "-key-file",    0, CLI_OPTION_TEXT, "FILE", "its private key (PEM) " of,            \
         OPTION(side.key_file)},                                                                   \
    {                                                                                              \
#side "-insecure-skip-tls-verify", 0, CLI_OPTION_FLAG, NULL, "any certificate " of,        \
            OPTION(side.is_insecure)                                                               \
    }

static const struct cli_option options[] = {
    {"recursive", 'r', CLI_OPTION_FLAG, NULL, "signatures and other referrers too",
     OPTION(is_recursive)},
    {"policy", 0, CLI_OPTION_TEXT, "FILE",
     "whose signature SRC must have; without it none is asked for", OPTION(policy)},
    SIDE_OPTIONS(from, "at SRC"),
    SIDE_OPTIONS(to, "at DST"),
    {0},
};

/* A side's own flags, and those of both where it has none. */
static struct cli_transport
merge(const struct cli_transport *both, const struct cli_transport *side)
{
    struct cli_transport t = *both;
    if (side->registry_config != NULL)
        t.registry_config = side->registry_config;
    if (side->ca_file != NULL)
        t.ca_file = side->ca_file;
    if (side->cert_file != NULL || side->key_file != NULL) {
        t.cert_file = side->cert_file;
        t.key_file = side->key_file;
    }
    t.is_plain_http = t.is_plain_http || side->is_plain_http;
    t.is_insecure = t.is_insecure || side->is_insecure;
    return t;
}

static enum err_kind copy(
    struct cli *c,
    const struct copy_options *o,
    struct oci_ref *src,
    const struct oci_ref *dst,
    struct err *err)
{
    const struct cli_transport from = merge(&o->transport, &o->from);
    const struct cli_transport to = merge(&o->transport, &o->to);
    auto_images struct cli_images source = {0}, target = {0};
    char digest[OCI_DIGEST_MAX];
    enum err_kind r = o->policy == NULL
        ? cli_images_open(c, &from, &source, err)
        : cli_images_open_trusted(c, &from, o->policy, &source, err);
    if (r == ERR_OK)
        r = cli_images_open(c, &to, &target, err);
    if (r == ERR_OK)
        r = oci_ref_settle(source.session, src, OCI_AT_SOURCE, err);
    if (r != ERR_OK)
        return r;
    struct oci_copy request = {
        .from = source.session,
        .src = src,
        .src_in_store = src->kind == OCI_REF_STORE,
        .to = target.session,
        .dst = dst,
        .dst_in_store = dst->kind == OCI_REF_STORE,
        .with_referrers = o->is_recursive};
    r = oci_copy(&request, digest, err);
    if (r == ERR_OK)
        return cli_print_pinned(c, dst, 1, digest, err);
    cli_hint_registry(c, &to, dst->kind == OCI_REF_REGISTRY ? dst : src, r);
    return r;
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    struct oci_ref src, dst;
    enum err_kind r = cli_check_args(c, 2, 2, "a source and a destination", err);
    if (r == ERR_OK)
        r = oci_ref_parse_source(str_from(c->args.items[0]), &src, err);
    if (r == ERR_OK)
        r = oci_ref_parse(str_from(c->args.items[1]), &dst, err);
    return r == ERR_OK ? copy(c, data, &src, &dst, err) : r;
}

const struct cli_command cmd_image_copy = {
    .name = "copy",
    .aliases = (const char *const[]){"cp", NULL},
    .summary = "Copy an image between registries, layouts and the store",
    .usage = "SRC DST [-r]",
    .details = "SRC and DST are HOST/REPOSITORY[:TAG], oci-layout:DIR[:TAG] or names of the local "
               "store. The flags\n"
               "of a registry hold for both sides; --from-… and --to-… for one. Within one "
               "registry blobs are taken\n"
               "over, not sent. SRC may have a version range. A trust policy is asked only with "
               "--policy. Prints\n"
               "DST@DIGEST.\n",
    .options = options,
    .shared_options = cli_transport_options,
    .options_bytes = sizeof(struct copy_options),
    .run = run,
};
