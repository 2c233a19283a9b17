/* cup logout: the credentials of a registry are forgotten. */
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/transport.h"
#include "oci/login.h"
#include "json/json.h"

struct logout_options {
    const char *registry_config;
};

static const struct cli_option options[] = {
    {"registry-config", 0, CLI_OPTION_TEXT, "FILE", "another docker config.json",
     offsetof(struct logout_options, registry_config)},
    {0},
};

/* Files that only others write may still have some: who signs out wants to know. */
static void note_others(struct cli *c, const struct cli_login_files *files, const char *host)
{
    for (size_t i = 0; files->auth_files != NULL && files->auth_files[i] != NULL; i++) {
        auto_oci_credential struct oci_credential found = {0};
        const struct oci_credential_files one = {.config = files->auth_files[i]};
        struct err ignored;
        if (oci_credentials_find(&one, host, NULL, &found, &ignored) == ERR_OK &&
            !oci_credential_is_empty(&found))
            cli_note(
                c, "note: '%s' still has credentials for %s: 'podman logout' removes them",
                files->auth_files[i], host);
    }
}

static enum err_kind print_done(struct cli *c, const char *host, bool had, struct err *err)
{
    if (cli_output_is_document(c)) {
        autobuf struct buf text = {0};
        buf_text(&text, "{\"registry\":");
        json_text_string(&text, str_from(host));
        buf_printf(&text, ",\"removed\":%s}", had ? "true" : "false");
        return cli_print_document(c, buf_view(&text), err);
    }
    autofree char *line = mem_printf(had ? "signed out of %s" : "not signed in to %s", host);
    cli_print_line(c, str_from(line));
    return ERR_OK;
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct logout_options *o = data;
    char host[OCI_HOST_MAX];
    auto_login_files struct cli_login_files files = {0};
    bool had = false;
    enum err_kind r = cli_check_args(c, 1, 1, "a registry, HOST[:PORT]", err);
    if (r == ERR_OK)
        r = oci_ref_parse_host(str_from(c->args.items[0]), host, err);
    if (r == ERR_OK)
        r = cli_credential_files(c->env, o->registry_config, &files.config, &files.auth_files, err);
    if (r == ERR_OK && files.config != NULL)
        r = oci_login_erase(files.config, host, &had, err);
    if (r != ERR_OK)
        return r;
    note_others(c, &files, host);
    return print_done(c, host, had, err);
}

const struct cli_command cmd_logout = {
    .name = "logout",
    .group = "Registries",
    .summary = "Forget the credentials of a registry",
    .usage = "HOST",
    .details = "Removes what the credential helper and docker's config.json have of it.\n",
    .options = options,
    .options_bytes = sizeof(struct logout_options),
    .run = run,
};
