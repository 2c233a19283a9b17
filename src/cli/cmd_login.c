/* cup login: credentials of a registry are tried, then kept where docker and its kin find them. */
#include "base/fs.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/password.h"
#include "cli/run.h"
#include "cli/transport.h"
#include "oci/login.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define SECRET_MAX ((size_t)64 << 10)
#define USER_MAX 256

struct login_options {
    struct cli_transport transport;
    const char *user;
    bool is_password_stdin;
};

#define OPTION(member) offsetof(struct login_options, member)
static const struct cli_option options[] = {
    {"user", 'u', CLI_OPTION_TEXT, "USER", "the user; asked for where it is not given",
     OPTION(user)},
    {"username", 0, CLI_OPTION_TEXT, "USER", "as --user, as docker calls it", OPTION(user)},
    {"password-stdin", 0, CLI_OPTION_FLAG, NULL, "read the password or token from standard input",
     OPTION(is_password_stdin)},
    {0},
};

/* --- what is typed or piped ------------------------------------------------------------------------- */

/* All of standard input but its last line end: a password may hold any other byte. */
static enum err_kind read_stdin(struct cli *c, struct buf *ret, struct err *err)
{
    ret->max = SECRET_MAX;
    char *to = buf_reserve(ret, SECRET_MAX); /* at once, so that no copy of it stays behind */
    for (;;) {
        ssize_t n = read(c->io.in, to + ret->n, SECRET_MAX - ret->n);
        if (n < 0 && errno == EINTR && cli_interrupt_is_set(NULL))
            return err_set(err, ERR_CANCELLED, "interrupted");
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(err, errno, "reading the password from standard input");
        if (n == 0)
            break;
        ret->n += (size_t)n;
        if (ret->n == SECRET_MAX)
            return err_set(err, ERR_LIMIT, "the password on standard input is too long");
    }
    if (ret->n > 0 && to[ret->n - 1] == '\n')
        ret->n--;
    if (ret->n > 0 && to[ret->n - 1] == '\r')
        ret->n--;
    return ERR_OK;
}

static enum err_kind ask_user(struct cli *c, const char *host, char **ret, struct err *err)
{
    char line[USER_MAX];
    autoclose int tty = c->io.is_notes_tty ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;
    if (tty < 0)
        return err_set(err, ERR_USAGE, "no user, and no terminal to ask for it: give --user USER");
    autofree char *prompt = mem_printf("User of %s: ", host);
    enum err_kind r = fs_write_all(tty, prompt, strlen(prompt), err);
    ssize_t n = r == ERR_OK ? read(tty, line, sizeof(line)) : 0;
    if (r == ERR_OK && n <= 0)
        r = err_set(err, ERR_UNAUTHENTICATED, "no user was given");
    if (r == ERR_OK)
        *ret = mem_strdup_str(str_trim(str_of(line, (size_t)n)));
    return r;
}

static enum err_kind
ask_password(struct cli *c, const char *host, const char *user, struct buf *ret, struct err *err)
{
    autofree char *prompt = mem_printf("Password or token of %s at %s: ", user, host);
    enum err_kind r = cli_password_ask(c, prompt, ret, err);
    if (r == ERR_UNAUTHENTICATED)
        cli_hint(c, "--password-stdin reads it from a pipe or a file");
    return r;
}

static enum err_kind read_credential(
    struct cli *c,
    const struct login_options *o,
    const char *host,
    struct oci_credential *ret,
    struct err *err)
{
    struct buf secret = {0};
    enum err_kind r = ERR_OK;
    if (o->user == NULL && o->is_password_stdin)
        return err_set(err, ERR_USAGE, "'--password-stdin' needs '--user USER' beside it");
    if (o->user != NULL)
        ret->username = mem_strdup(o->user);
    else
        r = ask_user(c, host, &ret->username, err);
    if (r == ERR_OK && o->is_password_stdin)
        r = read_stdin(c, &secret, err);
    else if (r == ERR_OK)
        r = ask_password(c, host, ret->username, &secret, err);
    if (r == ERR_OK && memchr(buf_view(&secret).p, '\0', secret.n) != NULL)
        r = err_set(err, ERR_INVALID, "the password holds a NUL byte");
    if (r == ERR_OK)
        ret->password = mem_strdup_str(buf_view(&secret));
    if (secret.p != NULL)
        explicit_bzero(secret.p, secret.cap);
    buf_deinit(&secret);
    return r;
}

/* --- what came of it -------------------------------------------------------------------------------- */

static enum err_kind print_document(
    struct cli *c,
    const char *host,
    const struct oci_credential *credential,
    const struct oci_login_check *check,
    const char *kept,
    bool is_file,
    struct err *err)
{
    autobuf struct buf text = {0};
    buf_text(&text, "{\"registry\":");
    json_text_string(&text, str_from(host));
    buf_text(&text, ",\"user\":");
    json_text_string(&text, str_from(credential->username));
    buf_printf(
        &text,
        ",\"checked\":%s,\"kept\":{\"as\":\"%s\",\"%s\":", check->is_unchecked ? "false" : "true",
        credential->identity_token != NULL ? "identityToken" : "password",
        is_file ? "file" : "helper");
    json_text_string(&text, str_from(kept));
    buf_text(&text, "}}");
    return cli_print_document(c, buf_view(&text), err);
}

static enum err_kind print_kept(
    struct cli *c,
    const char *host,
    const struct oci_credential *credential,
    const struct oci_login_check *check,
    const struct oci_login_kept *kept,
    const char *path,
    struct err *err)
{
    bool is_token = credential->identity_token != NULL;
    bool is_file = kept->helper == NULL;
    autofree char *where =
        is_file ? mem_strdup(path) : mem_printf("docker-credential-%s", kept->helper);
    if (check->is_unchecked)
        cli_note(c, "note: '%s' asks for no credentials, so these could not be tried", host);
    if (is_file)
        cli_note(
            c,
            "note: it is kept unencrypted there, readable by you alone; a credential helper "
            "('credsStore') keeps it in a key ring");
    if (cli_output_is_document(c))
        return print_document(c, host, credential, check, where, is_file, err);
    autofree char *line = mem_printf(
        "signed in to %s as %s; %s kept in %s", host, credential->username,
        is_token ? "an identity token is" : "the password is", where);
    cli_print_line(c, str_from(line));
    return ERR_OK;
}

static void hint(struct cli *c, const char *host, const struct login_options *o, enum err_kind kind)
{
    if (c->hint != NULL)
        return;
    if (kind == ERR_UNAUTHENTICATED || kind == ERR_DENIED)
        cli_hint(
            c, "nothing was kept; 'cup registry ping %s' shows what the registry asks for", host);
    else if ((kind == ERR_UNAVAILABLE || kind == ERR_TIMEOUT) && !o->transport.is_plain_http)
        cli_hint(c, "'cup registry ping %s' shows how far it is reached", host);
}

static enum err_kind
sign_in(struct cli *c, const struct login_options *o, const char *host, struct err *err)
{
    struct cli_transport transport = o->transport;
    auto_login_files struct cli_login_files files = {0};
    auto_oci_credential struct oci_credential credential = {0};
    struct oci_session_options session;
    struct oci_login_check check = {0};
    struct oci_login_kept kept = {0};
    transport.writes_config = true;
    enum err_kind r = cli_session_options(c, &transport, &files, &session, err);
    if (r == ERR_OK && files.config == NULL)
        r = err_set(
            err, ERR_IO,
            "no place to keep credentials: neither DOCKER_CONFIG nor HOME is set, and no "
            "--registry-config is given");
    if (r == ERR_OK)
        r = read_credential(c, o, host, &credential, err);
    if (r == ERR_OK)
        r = oci_login_check(&session, host, &credential, &check, err);
    if (r != ERR_OK)
        hint(c, host, o, r);
    if (r == ERR_OK)
        r = oci_login_store(files.config, host, &credential, &kept, err);
    if (r == ERR_OK)
        r = print_kept(c, host, &credential, &check, &kept, files.config, err);
    oci_login_kept_deinit(&kept);
    return r;
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    char host[OCI_HOST_MAX];
    enum err_kind r = cli_check_args(c, 1, 1, "a registry, HOST[:PORT]", err);
    if (r == ERR_OK)
        r = oci_ref_parse_host(str_from(c->args.items[0]), host, err);
    return r == ERR_OK ? sign_in(c, data, host, err) : r;
}

const struct cli_command cmd_login = {
    .name = "login",
    .group = "Registries",
    .summary = "Sign in to a registry",
    .usage = "HOST [-u USER] [--password-stdin]",
    .details =
        "User and password (or token) are tried, then kept by the credential helper that docker's\n"
        "config.json names for the host, else in that file, readable by you alone. Where the\n"
        "registry gives an identity token, that is kept instead of the password. The password is\n"
        "asked for on the terminal or read from standard input, never taken as an argument.\n"
        "Docker Hub is docker.io.\n",
    .options = options,
    .shared_options = cli_registry_options,
    .options_bytes = sizeof(struct login_options),
    .run = run,
};
