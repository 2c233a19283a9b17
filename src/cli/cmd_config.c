/* cup config: the contexts of the configuration file, and what counts for a run. */
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/run.h"
#include "cli/table.h"
#include "cli/target.h"
#include "json/json.h"

static enum err_kind load(struct cli *c, struct cli_config *ret, struct err *err)
{
    autofree char *path = NULL;
    enum err_kind r = cli_target_config(c, &path, err);
    return r == ERR_OK ? cli_config_load(path, ret, err) : r;
}

/* Flags and environment show in the current context, as upstream's do. */
static void override(const struct cli *c, struct cli_context *context)
{
    const char *address = cli_target_address(c);
    const char *ns = cli_target_namespace(c);
    if (!context->is_current)
        return;
    if (address != NULL)
        context->address = str_from(address);
    if (ns != NULL)
        context->ns = str_from(ns);
}

static void member(struct buf *to, const char *lead, struct str value)
{
    buf_text(to, lead);
    json_text_string(to, value);
}

/* A password in the address stays in the file. */
static enum err_kind
print_context(struct cli *c, const struct cli_context *x, struct cli_table *table, struct err *err)
{
    autofree char *address = mem_strdup_str(x->address);
    autofree char *shown = cli_address_shown(address == NULL ? "" : address);
    if (cli_output_is_document(c)) {
        autobuf struct buf text = {0};
        member(&text, "{\"address\":", str_from(shown));
        member(&text, ",\"namespace\":", x->ns);
        member(&text, ",\"name\":", x->name);
        buf_char(&text, '}');
        return cli_print_document(c, buf_view(&text), err);
    }
    if (c->output == CLI_OUTPUT_NAME)
        cli_print_line(c, x->name);
    else
        cli_table_row(
            table,
            (const struct str[]){
                x->name, str_from(shown), x->ns, x->is_current ? STR("*") : STR("")});
    return ERR_OK;
}

static enum err_kind print_contexts(struct cli *c, const struct cli_config *config, struct err *err)
{
    auto_table struct cli_table table;
    cli_table_init(&table, (const char *const[]){"NAME", "ADDRESS", "NAMESPACE", "CURRENT", NULL});
    size_t count = cli_config_contexts(config, NULL, 0);
    autofree struct cli_context *contexts = mem_alloc((count + 1) * sizeof(*contexts));
    cli_config_contexts(config, contexts, count);
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < count; i++) {
        override(c, &contexts[i]);
        r = print_context(c, &contexts[i], &table, err);
    }
    cli_table_print(&table, c->io.out);
    return r;
}

static enum err_kind run_context(struct cli *c, const void *options, struct err *err)
{
    (void)options;
    struct cli_config config = {0};
    enum err_kind r = cli_check_args(c, 0, 0, "", err);
    if (r == ERR_OK)
        r = load(c, &config, err);
    if (r == ERR_OK)
        r = print_contexts(c, &config, err);
    cli_config_deinit(&config);
    return r;
}

/* --- set ------------------------------------------------------------------------------------------ */

static enum err_kind check_setting(const char *key, const char *value, struct err *err)
{
    if (strcmp(key, "address") == 0)
        return cli_address_check(str_from(value), err);
    if (strcmp(key, "namespace") == 0)
        return ERR_OK;
    return err_set(err, ERR_USAGE, "unknown setting '%s': it is one of address, namespace", key);
}

static enum err_kind run_set(struct cli *c, const void *options, struct err *err)
{
    (void)options;
    struct cli_config config = {0};
    enum err_kind r = cli_check_args(c, 1, 1, "KEY=VALUE", err);
    if (r != ERR_OK)
        return r;
    const char *setting = c->args.items[0];
    const char *equals = strchr(setting, '=');
    if (equals == NULL)
        return err_set(err, ERR_USAGE, "'%s' is not of the form KEY=VALUE", setting);
    autofree char *key = mem_strdup_str(str_of(setting, (size_t)(equals - setting)));
    r = check_setting(key, equals + 1, err);
    if (r == ERR_OK)
        r = load(c, &config, err);
    if (r == ERR_OK)
        r = cli_config_set(&config, key, equals + 1, err);
    cli_config_deinit(&config);
    return r;
}

/* --- view ----------------------------------------------------------------------------------------- */

static enum err_kind run_view(struct cli *c, const void *options, struct err *err)
{
    (void)options;
    autofree char *path = NULL;
    enum err_kind r = cli_check_args(c, 0, 0, "", err);
    if (r == ERR_OK)
        r = cli_target_config(c, &path, err);
    if (r == ERR_OK)
        r = cli_target_resolve(c, err);
    if (r != ERR_OK)
        return r;
    autofree char *address = cli_address_shown(c->address);
    if (!cli_output_is_document(c)) {
        cli_print_pair(c, "File", str_from(path));
        cli_print_pair(c, "Address", str_from(address));
        cli_print_pair(c, "Namespace", str_from(c->ns));
        cli_print_pair(c, "Token", c->env->token == NULL ? STR("") : STR("from CUP_TOKEN"));
        return ERR_OK;
    }
    autobuf struct buf text = {0};
    member(&text, "{\"file\":", str_from(path));
    member(&text, ",\"address\":", str_from(address));
    member(&text, ",\"namespace\":", str_from(c->ns));
    buf_printf(&text, ",\"hasToken\":%s}", c->env->token == NULL ? "false" : "true");
    return cli_print_document(c, buf_view(&text), err);
}

/* --- the table ------------------------------------------------------------------------------------ */

static const struct cli_command set = {
    .name = "set",
    .summary = "Set address or namespace of the current context",
    .usage = "KEY=VALUE",
    .run = run_set,
};
static const struct cli_command *const context_commands[] = {
    &set,
    NULL,
};

static const struct cli_command context = {
    .name = "context",
    .aliases = (const char *const[]){"ctx", NULL},
    .summary = "List the contexts",
    .run = run_context,
    .commands = context_commands,
};
static const struct cli_command view = {
    .name = "view",
    .summary = "Show what counts: flags before environment before the file",
    .run = run_view,
};
static const struct cli_command *const commands[] = {
    &context,
    &view,
    NULL,
};

const struct cli_command cmd_config = {
    .name = "config",
    .aliases = (const char *const[]){"c", NULL},
    .group = "Other",
    .summary = "Show and change the configuration of cup",
    .commands = commands,
};
