/* cup image list: what the local store, or a layout, holds. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/store.h"
#include "cli/table.h"
#include "json/json.h"

struct list_options {
    struct cli_transport transport;
    bool shows_all;
};

#define OPTION(member) offsetof(struct list_options, member)
static const struct cli_option options[] = {
    {"all", 0, CLI_OPTION_FLAG, NULL, "signatures and other attachments in the table as well",
     OPTION(shows_all)},
    {0},
};

/* --- as a document -------------------------------------------------------------------------------- */

static void write_text(struct buf *to, const char *lead, const char *value)
{
    buf_text(to, lead);
    if (value == NULL)
        buf_text(to, "null");
    else
        json_text_string(to, str_from(value));
}

static void write_time(struct buf *to, const char *lead, int64_t unix_s)
{
    char text[CLOCK_RFC3339_BYTES];
    clock_rfc3339(unix_s, text);
    write_text(to, lead, unix_s == 0 ? NULL : text);
}

static void write_kinds(struct buf *to, const char *kinds)
{
    struct str rest = str_from(kinds);
    buf_text(to, ",\"kinds\":[");
    for (const char *comma = ""; rest.p != NULL; comma = ",") {
        buf_text(to, comma);
        json_text_string(to, str_trim(str_cut(&rest, ',')));
    }
    buf_char(to, ']');
}

static void write_item(struct buf *to, const struct oci_stored *item)
{
    write_text(to, "{\"name\":", item->name);
    buf_printf(to, ",\"digest\":\"%s\"", item->digest);
    write_text(to, ",\"mediaType\":", item->media_type);
    write_text(to, ",\"artifactType\":", item->artifact_type);
    write_text(to, ",\"controller\":", item->controller);
    write_kinds(to, item->kinds);
    buf_printf(to, ",\"size\":%llu", (unsigned long long)item->bytes);
    write_time(to, ",\"added\":", item->added_unix_s);
    write_time(to, ",\"lastUsed\":", item->used_unix_s);
    buf_printf(
        to, ",\"complete\":%s,\"inUse\":%s,\"attachment\":%s}", item->is_whole ? "true" : "false",
        item->is_in_use ? "true" : "false", item->is_referrer ? "true" : "false");
}

static enum err_kind
print_document(struct cli *c, const struct oci_stored_list *list, struct err *err)
{
    autobuf struct buf text = {0};
    buf_text(&text, "{\"images\":[");
    for (size_t i = 0; i < list->count; i++) {
        buf_text(&text, i > 0 ? "," : "");
        write_item(&text, &list->items[i]);
    }
    buf_text(&text, "]}");
    enum err_kind r = buf_check(&text, "the list of images", err);
    return r == ERR_OK ? cli_print_foreign(c, buf_view(&text), err) : r;
}

/* --- for people ----------------------------------------------------------------------------------- */

/* "flags,segments" of "flipt.io/v1alpha1/flags,flipt.io/v1alpha1/segments"; without kinds, the type. */
static void short_kinds(struct buf *to, const struct oci_stored *item)
{
    struct str rest = str_from(item->kinds != NULL ? item->kinds : item->artifact_type);
    for (const char *comma = ""; item->kinds != NULL && rest.p != NULL; comma = ",") {
        struct str kind = str_trim(str_cut(&rest, ','));
        buf_text(to, comma);
        buf_str(to, str_skip(kind, (size_t)(str_rfind(kind, '/') + 1)));
    }
    if (item->kinds == NULL)
        buf_str(to, rest.n > 0 ? rest : STR("-"));
}

static struct str status(const struct oci_stored *item)
{
    if (!item->is_whole)
        return STR("incomplete");
    return item->is_in_use ? STR("in use") : STR("-");
}

static void add_row(struct cli_table *table, const struct oci_stored *item, bool is_wide)
{
    char size[16], used[CLOCK_RFC3339_BYTES], added[CLOCK_RFC3339_BYTES];
    autobuf struct buf kinds = {0};
    short_kinds(&kinds, item);
    units_format_size(item->bytes, size, sizeof(size));
    clock_rfc3339(item->used_unix_s, used);
    clock_rfc3339(item->added_unix_s, added);
    struct str digest = str_from(item->digest);
    const struct str cells[] = {
        item->name == NULL ? STR("<none>") : str_from(item->name),
        is_wide ? digest : str_take(str_skip(digest, strlen("sha256:")), 12),
        buf_view(&kinds),
        str_from(size),
        str_from(used),
        status(item),
        str_from(added),
        item->artifact_type == NULL ? STR("-") : str_from(item->artifact_type),
    };
    cli_table_row(table, cells);
}

static void print_table(struct cli *c, const struct oci_stored_list *list, bool shows_all)
{
    static const char *const header[] = {"NAME",      "DIGEST", "KINDS", "SIZE",
                                         "LAST USED", "STATUS", NULL};
    static const char *const wide[] = {"NAME",   "DIGEST", "KINDS", "SIZE", "LAST USED",
                                       "STATUS", "ADDED",  "TYPE",  NULL};
    bool is_wide = c->output == CLI_OUTPUT_WIDE;
    auto_table struct cli_table table;
    cli_table_init(&table, is_wide ? wide : header);
    for (size_t i = 0; i < list->count; i++) {
        if (shows_all || !list->items[i].is_referrer)
            add_row(&table, &list->items[i], is_wide);
    }
    cli_table_print(&table, c->io.out);
}

static void print_names(struct cli *c, const struct oci_stored_list *list, bool shows_all)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct oci_stored *item = &list->items[i];
        if (shows_all || !item->is_referrer)
            cli_print_line(c, str_from(item->name != NULL ? item->name : item->digest));
    }
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct list_options *o = data;
    auto_store struct cli_store store = {0};
    auto_oci_stored_list struct oci_stored_list list = {0};
    enum err_kind r = cli_store_open(c, &o->transport, &store, err);
    if (r == ERR_OK)
        r = oci_store_list(store.images.session, store.where, &list, err);
    if (r != ERR_OK)
        return r;
    if (cli_output_is_document(c))
        return print_document(c, &list, err);
    if (c->output == CLI_OUTPUT_NAME)
        print_names(c, &list, o->shows_all);
    else
        print_table(c, &list, o->shows_all);
    return ERR_OK;
}

const struct cli_command cmd_image_list = {
    .name = "list",
    .aliases = (const char *const[]){"ls", NULL},
    .summary = "List the images of the local store",
    .usage = "[oci-layout:DIR]",
    .details =
        "SIZE counts every blob that an image needs, also those shared with others. LAST USED is "
        "when it\n"
        "was last packed, pulled, named, sent or loaded by cupd.\n",
    .options = options,
    .shared_options = cli_store_options,
    .options_bytes = sizeof(struct list_options),
    .run = run,
};
