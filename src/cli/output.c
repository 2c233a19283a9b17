#include "cli/output.h"
#include "cli/print.h"
#include "cli/run.h"
#include "cli/yaml.h"
#include "json/json.h"

#define DOCUMENT_MAX ((size_t)1 << 30) /* printed form of one document */

enum err_kind cli_output_parse(struct str text, enum cli_output *ret, struct err *err)
{
    static const struct {
        const char *name;
        enum cli_output output;
    } forms[] = {
        {"table", CLI_OUTPUT_TABLE},
        {"json", CLI_OUTPUT_JSON},
        {"yaml", CLI_OUTPUT_YAML},
        {"name", CLI_OUTPUT_NAME},
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (str_eqz(text, forms[i].name)) {
            *ret = forms[i].output;
            return ERR_OK;
        }
    }
    return err_set(
        err, ERR_USAGE, "unknown output '" STR_FMT "': it is one of table, json, yaml, name",
        STR_ARG(text));
}

bool cli_output_is_document(const struct cli *c)
{
    return c->output == CLI_OUTPUT_JSON || c->output == CLI_OUTPUT_YAML;
}

static enum err_kind
print_document(struct cli *c, struct str document, bool is_safe, struct err *err)
{
    autobuf struct buf text = {.max = DOCUMENT_MAX};
    if (c->output == CLI_OUTPUT_YAML) {
        if (c->documents > 0)
            buf_text(&text, "---\n");
        enum err_kind r = cli_yaml_write(&text, document, err);
        if (r != ERR_OK)
            return r;
    } else {
        json_text_write(&text, document, 2, 0);
        buf_char(&text, '\n');
    }
    autobuf struct buf safe = {.max = DOCUMENT_MAX};
    if (is_safe)
        cli_print_safe_json(&safe, buf_view(&text));
    const struct buf *from = is_safe ? &safe : &text;
    enum err_kind r = buf_check(from, "the printed document", err);
    if (r != ERR_OK)
        return r;
    fwrite(from->p, 1, from->n, c->io.out);
    c->documents++;
    return ERR_OK;
}

/* On a terminal what JSON allows raw in strings (DEL, C1 controls, direction marks) is escaped; into
 * a file or pipe the server's bytes go as they are. */
enum err_kind cli_print_document(struct cli *c, struct str document, struct err *err)
{
    return print_document(c, document, c->io.is_out_tty, err);
}

enum err_kind cli_print_foreign(struct cli *c, struct str document, struct err *err)
{
    return print_document(c, document, true, err);
}

void cli_print_line(struct cli *c, struct str text)
{
    autobuf struct buf safe = {0};
    cli_print_safe(&safe, text);
    fprintf(c->io.out, "%s\n", safe.p == NULL ? "" : safe.p);
}
