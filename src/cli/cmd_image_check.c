/* cup image check: does each blob hash to its name, and is all there that the names need? */
#include "base/units.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/store.h"
#include "json/json.h"

struct check_options {
    struct cli_transport transport;
};

static void write_problem(struct buf *to, const struct oci_problem *p)
{
    buf_text(to, "{\"image\":");
    if (p->name == NULL)
        buf_text(to, "null");
    else
        json_text_string(to, str_from(p->name));
    buf_printf(to, ",\"digest\":\"%s\",\"problem\":", p->digest);
    json_text_string(to, str_from(p->what));
    buf_char(to, '}');
}

static enum err_kind
print_document(struct cli *c, const struct oci_checked *checked, struct err *err)
{
    autobuf struct buf text = {0};
    buf_printf(
        &text, "{\"images\":%zu,\"blobs\":%zu,\"size\":%llu,\"problems\":[", checked->name_count,
        checked->blob_count, (unsigned long long)checked->bytes);
    for (size_t i = 0; i < checked->problem_count; i++) {
        buf_text(&text, i > 0 ? "," : "");
        write_problem(&text, &checked->problems[i]);
    }
    buf_text(&text, "]}");
    enum err_kind r = buf_check(&text, "the list of problems", err);
    return r == ERR_OK ? cli_print_foreign(c, buf_view(&text), err) : r;
}

static void print_lines(struct cli *c, const struct oci_checked *checked)
{
    char size[16];
    autobuf struct buf line = {0};
    for (size_t i = 0; i < checked->problem_count; i++) {
        const struct oci_problem *p = &checked->problems[i];
        buf_clear(&line);
        buf_printf(&line, "%s: %s: %s", p->name == NULL ? "-" : p->name, p->digest, p->what);
        cli_print_line(c, buf_view(&line));
    }
    units_format_size(checked->bytes, size, sizeof(size));
    buf_clear(&line);
    buf_printf(
        &line, "%zu names, %zu blobs (%s): %zu problems", checked->name_count, checked->blob_count,
        size, checked->problem_count);
    cli_print_line(c, buf_view(&line));
}

static enum err_kind print(struct cli *c, const struct oci_checked *checked, struct err *err)
{
    if (cli_output_is_document(c)) {
        enum err_kind r = print_document(c, checked, err);
        if (r != ERR_OK)
            return r;
    } else {
        print_lines(c, checked);
    }
    if (checked->problem_count == 0)
        return ERR_OK;
    cli_hint(c, "'cup pull' fetches again what has rotted or is missing");
    return err_set(
        err, ERR_UNVERIFIED, "the store is damaged: %zu problems", checked->problem_count);
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct check_options *o = data;
    auto_store struct cli_store store = {0};
    auto_oci_checked struct oci_checked checked = {0};
    enum err_kind r = cli_store_open(c, &o->transport, &store, err);
    if (r == ERR_OK)
        r = oci_store_check(store.images.session, store.where, &checked, err);
    return r == ERR_OK ? print(c, &checked, err) : r;
}

const struct cli_command cmd_image_check = {
    .name = "check",
    .summary = "Check every blob and name of the local store",
    .usage = "[oci-layout:DIR]",
    .details =
        "Reads every blob and compares it with its digest, and looks whether all is there that "
        "the names\n"
        "need. Exit code 7 when something is not sound.\n",
    .shared_options = cli_store_options,
    .options_bytes = sizeof(struct check_options),
    .run = run,
};
