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
        {"table", CLI_OUTPUT_TABLE}, {"wide", CLI_OUTPUT_WIDE}, {"json", CLI_OUTPUT_JSON},
        {"yaml", CLI_OUTPUT_YAML},   {"name", CLI_OUTPUT_NAME},
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (str_eqz(text, forms[i].name)) {
            *ret = forms[i].output;
            return ERR_OK;
        }
    }
    return err_set(
        err, ERR_USAGE, "unknown output '" STR_FMT "': it is one of table, wide, json, yaml, name",
        STR_ARG(text));
}

bool cli_output_is_table(const struct cli *c)
{
    return c->output == CLI_OUTPUT_TABLE || c->output == CLI_OUTPUT_WIDE;
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

void cli_print_pair(struct cli *c, const char *name, struct str value)
{
    autobuf struct buf safe = {0};
    cli_print_safe(&safe, value);
    fprintf(c->io.out, "%-12s %s\n", name, safe.n == 0 ? "-" : safe.p);
}

/* ECMA-48 colours as git's: added green, removed red, places cyan. */
static const char *color_of(struct str line)
{
    if (str_starts(line, STR("@@")))
        return "\x1b[36m";
    if (str_starts(line, STR("+")))
        return "\x1b[32m";
    return str_starts(line, STR("-")) ? "\x1b[31m" : NULL;
}

static void print_diff_line(struct cli *c, struct str line)
{
    autobuf struct buf safe = {.max = DOCUMENT_MAX};
    const char *color = cli_uses_color(c) ? color_of(line) : NULL;
    cli_print_safe_lines(&safe, line);
    fprintf(
        c->io.out, "%s%s%s\n", color == NULL ? "" : color, safe.p == NULL ? "" : safe.p,
        color == NULL ? "" : "\x1b[0m");
}

void cli_print_diff(struct cli *c, struct str diff)
{
    if (!c->io.is_out_tty) {
        fwrite(diff.p, 1, diff.n, c->io.out);
        return;
    }
    while (diff.n > 0)
        print_diff_line(c, str_cut(&diff, '\n'));
}
