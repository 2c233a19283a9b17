/* cup image referrers: what points at an image. */
#include "base/mem.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/table.h"
#include "cli/transport.h"
#include "oci/attach.h"
#include "oci/settle.h"
#include "json/json.h"

#include <inttypes.h>

struct referrers_options {
    struct cli_transport transport;
    const char *artifact_type;
    bool is_local;
};

#define OPTION(member) offsetof(struct referrers_options, member)
static const struct cli_option options[] = {
    {"artifact-type", 0, CLI_OPTION_TEXT, "TYPE", "only those of this type", OPTION(artifact_type)},
    {"local", 0, CLI_OPTION_FLAG, NULL, "of the local store's copy, not of the registry's image",
     OPTION(is_local)},
    {0},
};

static bool is_wanted(const struct referrers_options *o, const struct oci_referrer *r)
{
    return o->artifact_type == NULL ||
        (r->artifact_type != NULL && strcmp(o->artifact_type, r->artifact_type) == 0);
}

static void write_one(struct buf *to, const struct oci_referrer *r)
{
    buf_printf(to, "{\"digest\":\"%s\",\"size\":%" PRIu64, r->digest, r->size);
    json_text_add_member(to, "mediaType", r->media_type);
    json_text_add_member(to, "artifactType", r->artifact_type);
    json_text_add_member(to, "tag", r->tag);
    buf_printf(to, ",\"annotations\":%s}", r->annotations == NULL ? "{}" : r->annotations);
}

static enum err_kind print_document(
    struct cli *c,
    const struct referrers_options *o,
    const char *pinned,
    const char *digest,
    const struct oci_referrers *found,
    struct err *err)
{
    const char *comma = "";
    autobuf struct buf text = {0};
    buf_text(&text, "{\"reference\":");
    json_text_string(&text, str_from(pinned));
    buf_printf(&text, ",\"digest\":\"%s\",\"referrers\":[", digest);
    for (size_t i = 0; i < found->count; i++) {
        if (!is_wanted(o, &found->items[i]))
            continue;
        buf_text(&text, comma);
        write_one(&text, &found->items[i]);
        comma = ",";
    }
    buf_text(&text, "]}");
    enum err_kind r = buf_check(&text, "the list of referrers", err);
    return r == ERR_OK ? cli_print_foreign(c, buf_view(&text), err) : r;
}

static void
print_table(struct cli *c, const struct referrers_options *o, const struct oci_referrers *found)
{
    static const char *const header[] = {"DIGEST", "TYPE", "SIZE", "TAG", NULL};
    auto_table struct cli_table table;
    cli_table_init(&table, header);
    for (size_t i = 0; i < found->count; i++) {
        char size[16];
        const struct oci_referrer *r = &found->items[i];
        if (!is_wanted(o, r))
            continue;
        units_format_size(r->size, size, sizeof(size));
        const struct str cells[] = {
            str_from(r->digest), str_from(r->artifact_type == NULL ? "-" : r->artifact_type),
            str_from(size), str_from(r->tag == NULL ? "-" : r->tag)};
        cli_table_row(&table, cells);
    }
    cli_table_print(&table, c->io.out);
}

static enum err_kind print(
    struct cli *c,
    const struct referrers_options *o,
    const struct oci_ref *ref,
    const char *digest,
    const struct oci_referrers *found,
    struct err *err)
{
    autofree char *pinned = cli_ref_pinned(ref, digest);
    if (cli_output_is_document(c))
        return print_document(c, o, pinned, digest, found, err);
    if (c->output != CLI_OUTPUT_NAME) {
        print_table(c, o, found);
        return ERR_OK;
    }
    for (size_t i = 0; i < found->count; i++) {
        if (is_wanted(o, &found->items[i]))
            cli_print_line(c, str_from(found->items[i].digest));
    }
    return ERR_OK;
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct referrers_options *o = data;
    auto_oci_referrers struct oci_referrers found = {0};
    auto_images struct cli_images images = {0};
    char digest[OCI_DIGEST_MAX];
    struct oci_ref ref;
    enum err_kind r = cli_check_args(c, 1, 1, "a reference", err);
    if (r == ERR_OK)
        r = oci_ref_parse_source(str_from(c->args.items[0]), &ref, err);
    if (r == ERR_OK)
        r = cli_images_open(c, &o->transport, &images, err);
    if (r != ERR_OK)
        return r;
    enum oci_where where = o->is_local ? OCI_IN_STORE : OCI_AT_SOURCE;
    r = oci_ref_settle(images.session, &ref, where, err);
    if (r == ERR_OK)
        r = oci_referrers_of(images.session, &ref, where, digest, &found, err);
    if (r != ERR_OK && !o->is_local)
        cli_hint_registry(c, &o->transport, &ref, r);
    return r == ERR_OK ? print(c, o, &ref, digest, &found, err) : r;
}

const struct cli_command cmd_image_referrers = {
    .name = "referrers",
    .summary = "List what points at an image: signatures, SBOMs",
    .usage = "REF",
    .details = "By the registry's referrers API or the fallback tag, and signatures under a .sig "
               "tag. With a host, REF\n"
               "means the registry's image; --local the store's copy of it.\n",
    .options = options,
    .shared_options = cli_transport_options,
    .options_bytes = sizeof(struct referrers_options),
    .run = run,
};
