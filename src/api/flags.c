#include "api/flags.h"
#include "api/config_file.h"
#include "api/cupd_env.h"
#include "base/buf.h"
#include "base/mem.h"

struct row {
    const char *name;
    const char *fallback;
    const char *help;
    bool is_switch;
};

static const struct row rows[FLAG_COUNT] = {
    [FLAG_CONFIG] = {"config", "", "YAML file with these settings", false},
    [FLAG_ADDRESS] =
        {"api-address", "127.0.0.1:8181", "address to listen on; port 0 picks one", false},
    [FLAG_SOURCE] = {"api-source", "local", "where the files are: local or git", false},
    [FLAG_LOCAL_PATH] = {"api-local-path", ".", "directory of source local", false},
    [FLAG_GIT_REPO] =
        {"api-git-repo", "", "repository of source git: path, file://, https:// or ssh://", false},
    [FLAG_GIT_SCM] =
        {"api-git-scm", "",
         "where proposals are kept: github, gitea, gitlab, or plain (in the repository itself)",
         false},
    [FLAG_GIT_SCM_URL] =
        {"api-git-scm-url", "", "API of the forge (default: that of the repository's host)", false},
    [FLAG_GIT_SCM_TOKEN] =
        {"api-git-scm-token", "",
         "token for the forge; better CUPD_API_GIT_SCM_TOKEN or a file: others see arguments",
         false},
    [FLAG_GIT_SCM_TOKEN_FILE] =
        {"api-git-scm-token-file", "",
         "file with that token (default: the password in the repository's URL)", false},
    [FLAG_GIT_BRANCH] = {"api-git-branch", "main", "branch that is served", false},
    [FLAG_GIT_AUTHOR] =
        {"api-git-author", "cup <cup@flipt.io>", "author of commits; committer is always cup",
         false},
    [FLAG_GIT_SIGNING_KEY] =
        {"api-git-signing-key", "",
         "file of an SSH key, without passphrase, that signs commits (needs ssh-keygen)", false},
    [FLAG_GIT_POLL] =
        {"api-git-poll", "", "how often the branch is looked at (default 1s on disk, 10s remote)",
         false},
    [FLAG_GIT_USERNAME] =
        {"api-git-username", "", "user at the repository's host, where the URL names none", false},
    [FLAG_GIT_PASSWORD_FILE] =
        {"api-git-password-file", "",
         "file with the password or token; or CUPD_API_GIT_PASSWORD holds it", false},
    [FLAG_GIT_SSH_KEY] = {"api-git-ssh-key", "", "private key for ssh:// (default: ssh's)", false},
    [FLAG_GIT_SSH_KNOWN_HOSTS] =
        {"api-git-ssh-known-hosts", "", "keys of hosts for ssh:// (default: the user's)", false},
    [FLAG_GIT_CA_FILE] =
        {"api-git-ca-file", "",
         "PEM file of who signs the host's certificate (default: the system's)", false},
    [FLAG_GIT_TIMEOUT] = {"api-git-timeout", "60s", "how long one fetch or push may take", false},
    [FLAG_GIT_WEBHOOK_SECRET_FILE] =
        {"api-git-webhook-secret-file", "",
         "file with the secret of push events; or CUPD_API_GIT_WEBHOOK_SECRET holds it", false},
    [FLAG_PROPOSAL_TITLE] =
        {"api-proposal-title", "",
         "title of proposals, a template: '{{ .Verb }} {{ .Kind }} {{ .Name }}' (default: the "
         "commit's)",
         false},
    [FLAG_PROPOSAL_BODY] =
        {"api-proposal-body", "", "their text, a template (default: a list of the objects)", false},
    [FLAG_PROPOSAL_LABELS] =
        {"api-proposal-labels", "", "labels that the forge gives them, separated by commas", false},
    [FLAG_PROPOSAL_DRAFT] = {"api-proposal-draft", "false", "open them as drafts", true},
    [FLAG_RESOURCES] =
        {"api-resources", ".",
         "directory of definitions, controllers and bindings; with -api-image only where given",
         false},
    [FLAG_IMAGE] = {"api-image", "", "controller images to serve, separated by commas", false},
    [FLAG_STORE] = {"api-store", "", "image store (default: below XDG_DATA_HOME)", false},
    [FLAG_DATA] =
        {"api-data", "", "clones and compiled modules (default: below XDG_CACHE_HOME)", false},
    [FLAG_CACHE_SIZE] =
        {"api-cache-size", "64MiB", "memory for results of controllers; 0 keeps none", false},
    [FLAG_TRUST_POLICY] =
        {"api-trust-policy", "", "whose signatures count for which images (JSON file)", false},
    [FLAG_REQUIRE_SIGNATURES] =
        {"api-require-signatures", "false", "run no image that no policy or key covers", true},
    [FLAG_REGISTRY_CONFIG] =
        {"api-registry-config", "", "docker config.json with credentials", false},
    [FLAG_PLAIN_HTTP] =
        {"api-plain-http", "", "registry hosts to speak plain HTTP to, separated by commas", false},
    [FLAG_CORS_ORIGIN] =
        {"api-cors-origin", "", "origins that browsers may use, separated by commas; * for any",
         false},
    [FLAG_MAX_BODY] = {"api-max-body", "3MiB", "largest request body", false},
    [FLAG_DRAIN] = {"api-drain", "10s", "how long requests under way may take at the end", false},
    [FLAG_INSECURE] =
        {"api-insecure", "false", "listen beyond loopback without authentication", true},
    [FLAG_LOG_LEVEL] = {"log-level", "debug", "debug, info, warn or error", false},
    [FLAG_LOG_FORMAT] = {"log-format", "text", "text or json", false},
    [FLAG_TAILSCALE_HOSTNAME] = {"tailscale-hostname", "", "not supported", false},
    [FLAG_TAILSCALE_AUTH_KEY] = {"tailscale-auth-key", "", "not supported", false},
    [FLAG_TAILSCALE_EPHEMERAL] = {"tailscale-ephemeral", "", "not supported", true},
};

static ptrdiff_t find(struct str name)
{
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if (str_eqz(name, rows[i].name))
            return (ptrdiff_t)i;
    }
    return -1;
}

static void set(struct flags *f, size_t index, struct str value)
{
    free(f->values[index]);
    f->values[index] = mem_strdup_str(value);
}

/* --- arguments: Go's flag syntax -------------------------------------------------------------------- */

static enum err_kind unknown_flag(struct str name, struct err *err)
{
    return err_set(
        err, ERR_USAGE, "flag provided but not defined: -" STR_FMT " (cupd -h lists all)",
        STR_ARG(str_take(name, 64)));
}

/* One flag at argv[*at]; moves *at behind it and its value. */
static enum err_kind parse_flag(struct flags *f, int argc, char **argv, int *at, struct err *err)
{
    struct str text = str_from(argv[(*at)++]);
    text = str_skip(text, str_starts(text, STR("--")) ? 2 : 1);
    struct str value = text;
    struct str name = str_cut(&value, '=');
    if (str_eqz(name, "h") || str_eqz(name, "help")) {
        f->wants_help = true;
        return ERR_OK;
    }
    ptrdiff_t index = find(name);
    if (index < 0)
        return unknown_flag(name, err);
    if (value.p == NULL && rows[index].is_switch)
        value = STR("true");
    if (value.p == NULL && *at >= argc)
        return err_set(err, ERR_USAGE, "flag needs an argument: -%s", rows[index].name);
    if (value.p == NULL)
        value = str_from(argv[(*at)++]);
    set(f, (size_t)index, value);
    return ERR_OK;
}

static bool is_flag(const char *arg)
{
    return arg[0] == '-' && arg[1] != '\0';
}

/* Flags, the command, its flags; what follows the next plain argument is ignored, as upstream does. */
static enum err_kind parse_arguments(struct flags *f, int argc, char **argv, struct err *err)
{
    int at = 1;
    enum err_kind r = ERR_OK;
    while (r == ERR_OK && at < argc) {
        if (strcmp(argv[at], "--") == 0)
            break;
        if (is_flag(argv[at])) {
            r = parse_flag(f, argc, argv, &at, err);
        } else if (f->command == NULL) {
            f->command = mem_strdup(argv[at++]);
        } else {
            break;
        }
    }
    return r;
}

/* --- environment and file ---------------------------------------------------------------------------- */

static void read_environment(struct flags *f)
{
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        autofree char *name = mem_printf("CUPD_%s", rows[i].name);
        for (char *p = name; *p != '\0'; p++) {
            if (*p == '-')
                *p = '_';
            else if (*p >= 'a' && *p <= 'z')
                *p = (char)(*p - 'a' + 'A');
        }
        const char *value = f->values[i] == NULL ? cupd_env(name) : NULL;
        if (value != NULL)
            set(f, i, str_from(value));
    }
}

enum err_kind flags_set_default(struct flags *f, struct str name, struct str value, struct err *err)
{
    ptrdiff_t index = find(name);
    if (index < 0 || index == FLAG_CONFIG)
        return err_set(
            err, ERR_USAGE, "there is no setting '" STR_FMT "'", STR_ARG(str_take(name, 64)));
    if (f->values[index] == NULL)
        set(f, (size_t)index, value);
    return ERR_OK;
}

enum err_kind flags_read(int argc, char **argv, struct flags *ret, struct err *err)
{
    *ret = (struct flags){0};
    enum err_kind r = parse_arguments(ret, argc, argv, err);
    if (r == ERR_OK && !ret->wants_help) {
        read_environment(ret);
        if (flags_is_given(ret, FLAG_CONFIG))
            r = config_file_read(flags_get(ret, FLAG_CONFIG), ret, err);
    }
    if (r != ERR_OK)
        flags_deinit(ret);
    return r;
}

void flags_deinit(struct flags *f)
{
    for (size_t i = 0; i < FLAG_COUNT; i++)
        free(f->values[i]);
    free(f->command);
    *f = (struct flags){0};
}

/* --- values ------------------------------------------------------------------------------------------ */

const char *flags_get(const struct flags *f, enum flag flag)
{
    return f->values[flag] != NULL ? f->values[flag] : rows[flag].fallback;
}

bool flags_is_given(const struct flags *f, enum flag flag)
{
    return f->values[flag] != NULL && f->values[flag][0] != '\0';
}

const char *flags_name(enum flag flag)
{
    return rows[flag].name;
}

char **flags_list(const struct flags *f, enum flag flag, size_t *ret_count)
{
    struct str rest = str_from(flags_get(f, flag));
    char **list = NULL;
    size_t count = 0;
    size_t cap = 0;
    while (rest.p != NULL) {
        struct str item = str_trim(str_cut(&rest, ','));
        if (item.n == 0)
            continue;
        mem_grow(&list, count, &cap);
        list[count++] = mem_strdup_str(item);
    }
    mem_grow(&list, count, &cap);
    list[count] = NULL;
    if (ret_count != NULL)
        *ret_count = count;
    return list;
}

void flags_list_free(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

void flags_write_help(struct buf *to)
{
    buf_text(
        to,
        "cupd serves the files of a Git repository or directory as resources.\n\n"
        "  cupd serve [flags]   serve until SIGTERM\n"
        "  cupd check [flags]   load and check everything, serve nothing\n\nFlags:\n");
    for (size_t i = 0; i < FLAG_TAILSCALE_HOSTNAME; i++) {
        buf_printf(to, "  -%-20s %s", rows[i].name, rows[i].help);
        if (rows[i].fallback[0] != '\0')
            buf_printf(to, " (default %s)", rows[i].fallback);
        buf_char(to, '\n');
    }
    buf_text(
        to,
        "\nEach flag is also an environment variable (-api-address: CUPD_API_ADDRESS) and a key of "
        "the\n"
        "file that -config names (api: {address: …}). Flags win over the environment, that over "
        "the\n"
        "file. Exit codes: 0 stopped or all is well, 1 failed.\n");
}
