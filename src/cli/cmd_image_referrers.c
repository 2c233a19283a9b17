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
    {"artifact-type", 0, CLI_OPTION_TEXT, "TYPE",
     "only those of this type, and what points at them", OPTION(artifact_type)},
    {"local", 0, CLI_OPTION_FLAG, NULL, "of the local store's copy, not of the registry's image",
     OPTION(is_local)},
    {0},
};

/* Of those that point at the image itself, with all that points at them. */
static bool is_wanted(const struct referrers_options *o, const struct oci_referrer *r)
{
    return o->artifact_type == NULL ||
        (r->artifact_type != NULL && strcmp(o->artifact_type, r->artifact_type) == 0);
}

static void drop_unwanted(const struct referrers_options *o, struct oci_referrers *found)
{
    bool is_kept = false;
    size_t kept = 0;
    for (size_t i = 0; i < found->count; i++) {
        struct oci_referrer *one = &found->items[i];
        if (one->depth == 0)
            is_kept = is_wanted(o, one);
        if (is_kept)
            found->items[kept++] = *one;
        else
            oci_referrer_deinit(one);
    }
    found->count = kept;
}

static void write_one(struct buf *to, const struct oci_referrer *r)
{
    buf_printf(to, "{\"digest\":\"%s\",\"size\":%" PRIu64, r->digest, r->size);
    json_text_add_member(to, "mediaType", r->media_type);
    json_text_add_member(to, "artifactType", r->artifact_type);
    json_text_add_member(to, "tag", r->tag);
    buf_printf(
        to, ",\"annotations\":%s,\"referrers\":[", r->annotations == NULL ? "{}" : r->annotations);
}

/* Each stands in the list of what it points at, which is open. */
static void write_tree(struct buf *to, const struct oci_referrers *found)
{
    size_t open = 0;
    for (size_t i = 0; i < found->count; i++) {
        bool is_first = i == 0 || found->items[i].depth > found->items[i - 1].depth;
        for (; open > found->items[i].depth; open--)
            buf_text(to, "]}");
        buf_text(to, is_first ? "" : ",");
        write_one(to, &found->items[i]);
        open++;
    }
    for (; open > 0; open--)
        buf_text(to, "]}");
}

static enum err_kind print_document(
    struct cli *c,
    const char *pinned,
    const char *digest,
    const struct oci_referrers *found,
    struct err *err)
{
    autobuf struct buf text = {0};
    buf_text(&text, "{\"reference\":");
    json_text_string(&text, str_from(pinned));
    buf_printf(&text, ",\"digest\":\"%s\",\"referrers\":[", digest);
    write_tree(&text, found);
    buf_text(&text, "]}");
    enum err_kind r = buf_check(&text, "the list of referrers", err);
    return r == ERR_OK ? cli_print_foreign(c, buf_view(&text), err) : r;
}

static void print_table(struct cli *c, const struct oci_referrers *found)
{
    static const char *const header[] = {"DIGEST", "TYPE", "SIZE", "TAG", NULL};
    auto_table struct cli_table table;
    cli_table_init(&table, header);
    for (size_t i = 0; i < found->count; i++) {
        char size[16];
        const struct oci_referrer *r = &found->items[i];
        autofree char *digest = mem_printf("%*s%s", (int)(2 * r->depth), "", r->digest);
        units_format_size(r->size, size, sizeof(size));
        const struct str cells[] = {
            str_from(digest), str_from(r->artifact_type == NULL ? "-" : r->artifact_type),
            str_from(size), str_from(r->tag == NULL ? "-" : r->tag)};
        cli_table_row(&table, cells);
    }
    cli_table_print(&table, c->io.out);
}

static enum err_kind print(
    struct cli *c,
    const struct oci_ref *ref,
    const char *digest,
    const struct oci_referrers *found,
    struct err *err)
{
    autofree char *pinned = cli_ref_pinned(ref, digest);
    if (cli_output_is_document(c))
        return print_document(c, pinned, digest, found, err);
    if (c->output != CLI_OUTPUT_NAME) {
        print_table(c, found);
        return ERR_OK;
    }
    for (size_t i = 0; i < found->count; i++)
        cli_print_line(c, str_from(found->items[i].digest));
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
    if (r != ERR_OK)
        return r;
    drop_unwanted(o, &found);
    return print(c, &ref, digest, &found, err);
}

const struct cli_command cmd_image_referrers = {
    .name = "referrers",
    .summary = "List what points at an image: signatures, SBOMs, signatures of SBOMs",
    .usage = "REF",
    .details =
        "By the registry's referrers API or the fallback tag, and signatures under a .sig "
        "tag. What points\n"
        "at one of them stands below it. With a host, REF means the registry's image; --local "
        "the store's\n"
        "copy of it.\n",
    .options = options,
    .shared_options = cli_transport_options,
    .options_bytes = sizeof(struct referrers_options),
    .run = run,
};
