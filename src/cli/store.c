#include "cli/store.h"
#include "base/units.h"
#include "cli/run.h"
#include "json/json.h"

static enum err_kind take_layout(struct cli *c, struct cli_store *ret, struct err *err)
{
    enum err_kind r = cli_check_args(c, 0, 1, "oci-layout:DIR", err);
    if (r != ERR_OK || c->args.count == 0)
        return r;
    r = oci_ref_parse(str_from(c->args.items[0]), &ret->layout, err);
    if (r == ERR_OK && ret->layout.kind != OCI_REF_LAYOUT)
        r = err_set(
            err, ERR_USAGE, "'%s' is not of the form oci-layout:DIR; --store names another store",
            c->args.items[0]);
    ret->where = &ret->layout;
    return r;
}

enum err_kind cli_store_open(
    struct cli *c, const struct cli_transport *transport, struct cli_store *ret, struct err *err)
{
    *ret = (struct cli_store){0};
    enum err_kind r = take_layout(c, ret, err);
    return r == ERR_OK ? cli_images_open(c, transport, &ret->images, err) : r;
}

void cli_store_close(struct cli_store *store)
{
    cli_images_close(&store->images);
}

static enum err_kind
print_document(struct cli *c, const struct oci_pruned *p, bool is_dry_run, struct err *err)
{
    autobuf struct buf text = {0};
    buf_text(&text, "{\"images\":[");
    for (size_t i = 0; i < p->name_count; i++) {
        buf_text(&text, i > 0 ? "," : "");
        json_text_string(&text, str_from(p->names[i]));
    }
    buf_text(&text, "],\"blobs\":[");
    for (size_t i = 0; i < p->blob_count; i++)
        buf_printf(&text, "%s\"%s\"", i > 0 ? "," : "", p->blobs[i]);
    buf_printf(
        &text, "],\"freed\":%llu,\"kept\":%llu,\"temporary\":%zu,\"dryRun\":%s}",
        (unsigned long long)p->freed_bytes, (unsigned long long)p->kept_bytes, p->leftovers,
        is_dry_run ? "true" : "false");
    enum err_kind r = buf_check(&text, "the list of what was removed", err);
    return r == ERR_OK ? cli_print_foreign(c, buf_view(&text), err) : r;
}

static void print_lines(struct cli *c, const struct oci_pruned *p, bool is_dry_run)
{
    char freed[16], kept[16];
    autobuf struct buf line = {0};
    for (size_t i = 0; i < p->name_count; i++) {
        buf_clear(&line);
        buf_printf(&line, "%s %s", is_dry_run ? "would remove" : "removed", p->names[i]);
        cli_print_line(c, buf_view(&line));
    }
    units_format_size(p->freed_bytes, freed, sizeof(freed));
    units_format_size(p->kept_bytes, kept, sizeof(kept));
    buf_clear(&line);
    buf_printf(
        &line, "%zu blob%s %s (%s), %zu kept (%s)", p->blob_count, p->blob_count == 1 ? "" : "s",
        is_dry_run ? "would go" : "removed", freed, p->kept_count, kept);
    cli_print_line(c, buf_view(&line));
}

enum err_kind cli_prune(
    struct cli *c,
    struct oci_session *session,
    const struct oci_ref *where,
    const struct oci_prune_options *options,
    struct err *err)
{
    auto_oci_pruned struct oci_pruned pruned = {0};
    char wanted[16];
    enum err_kind r = oci_store_prune(session, where, options, &pruned, err);
    if (r != ERR_OK) {
        if (r == ERR_UNVERIFIED || r == ERR_NOT_FOUND || r == ERR_INVALID)
            cli_hint(c, "pull that image again, or 'cup image remove' its name");
        return r;
    }
    units_format_size(options->max_bytes, wanted, sizeof(wanted));
    if (pruned.kept_bytes > options->max_bytes)
        cli_note(c, "what stays is in use or was just written, and is more than %s", wanted);
    if (cli_output_is_document(c))
        return print_document(c, &pruned, options->is_dry_run, err);
    print_lines(c, &pruned, options->is_dry_run);
    return ERR_OK;
}
