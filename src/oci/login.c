#include "oci/login.h"
#include "base/base64.h"
#include "base/fs.h"
#include "base/mem.h"
#include "oci/auth.h"
#include "oci/credential_helper.h"
#include "oci/probe.h"
#include "oci/token.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <unistd.h>

enum { TOKEN_TIMEOUT_MS = 30000, TOKEN_ANSWER_MAX = 1 << 20 };
#define DIR_MODE 0700
#define FILE_MODE 0600

/* --- trying ------------------------------------------------------------------------------------------ */

static enum err_kind check_values(const struct oci_credential *c, struct err *err)
{
    if (c->username == NULL || c->username[0] == '\0')
        return err_set(err, ERR_INVALID, "the user name is empty");
    if (c->password == NULL || c->password[0] == '\0')
        return err_set(err, ERR_INVALID, "the password is empty");
    if (!oci_credential_is_clean(str_from(c->username)) ||
        !oci_credential_is_clean(str_from(c->password)))
        return err_set(err, ERR_INVALID, "user name or password holds a line break");
    /* the two are sent with a colon between (RFC 7617, section 2) */
    if (strchr(c->username, ':') != NULL)
        return err_set(err, ERR_INVALID, "the user name holds a ':'");
    return ERR_OK;
}

/* GET /v2/ as the transport does it, with these credentials and no others. */
static enum err_kind try_them(
    const struct oci_session_options *options,
    const char *host,
    const struct oci_credential *credential,
    struct err *err)
{
    struct oci_transport *transport = NULL;
    struct http_client_response answer = {0};
    struct oci_request q = {.host = host, .scope = "", .target = "/v2/", .http = {.method = "GET"}};
    enum err_kind r = oci_transport_new(options, &transport, err);
    if (r != ERR_OK)
        return r;
    oci_transport_set_credential(transport, host, credential);
    r = oci_transport_send(transport, &q, &answer, err);
    if (r == ERR_OK && answer.status == 403)
        r = err_set(err, ERR_DENIED, "'%s' does not let '%s' in", host, credential->username);
    else if (r == ERR_OK && (answer.status < 200 || answer.status > 299))
        r = err_set(err, ERR_FAILED, "'%s' answers with status %d", host, answer.status);
    http_client_response_deinit(&answer);
    oci_transport_free(transport);
    return r;
}

static char *offline_url(const struct oci_challenge *c, const char *user)
{
    struct buf url = {0};
    buf_printf(
        &url, "%s%coffline_token=true&client_id=cup", c->realm,
        strchr(c->realm, '?') != NULL ? '&' : '?');
    oci_query_add(&url, '&', "account", user);
    if (c->service != NULL)
        oci_query_add(&url, '&', "service", c->service);
    return buf_steal(&url);
}

/* The refresh token that a token server gives for user and password; NULL: it gives none. That it is no
 * error here: what is wrong with the credentials shows when they are tried. */
static char *refresh_token(const struct oci_probe *probe, const struct oci_credential *credential)
{
    const struct oci_challenge *c = oci_challenges_best(&probe->asked);
    struct http_client_response answer = {0};
    auto_json struct json_doc doc = {0};
    char *token = NULL;
    if (c == NULL || c->scheme != OCI_SCHEME_BEARER || probe->is_fallback ||
        oci_realm_check(c->realm, probe->wire, probe->is_plain, NULL) != ERR_OK)
        return NULL;
    autofree char *url = offline_url(c, credential->username);
    auto_oci_secret char *basic = oci_basic_authorization(credential);
    struct http_header header = {"Authorization", basic};
    struct http_client_request q = {
        .method = "GET",
        .url = url,
        .headers = &header,
        .header_count = 1,
        .body_max = TOKEN_ANSWER_MAX,
        .nearest = oci_realm_nearest(c->realm, probe->wire, probe->peer),
        .timeout_ms = TOKEN_TIMEOUT_MS};
    enum err_kind r = http_client_do(probe->http, &q, &answer, NULL, NULL);
    if (r == ERR_OK && answer.status == 200)
        r = json_parse(buf_view(&answer.body), JSON_STORED, &doc, NULL);
    struct str text = json_str(json_get(doc.root, "refresh_token"));
    if (r == ERR_OK && text.n > 0 && oci_credential_is_clean(text))
        token = mem_strdup_str(text);
    if (answer.body.p != NULL)
        explicit_bzero(answer.body.p, answer.body.n);
    http_client_response_deinit(&answer);
    return token;
}

/* The token instead of the password, if it does. */
static bool take_token(
    const struct oci_session_options *options,
    const char *host,
    const struct oci_probe *probe,
    struct oci_credential *credential)
{
    struct oci_credential with_token = {
        .username = credential->username, .identity_token = refresh_token(probe, credential)};
    struct err ignored;
    if (with_token.identity_token == NULL)
        return false;
    if (try_them(options, host, &with_token, &ignored) != ERR_OK) {
        oci_secret_free(with_token.identity_token);
        return false;
    }
    oci_secret_free(credential->password);
    credential->password = NULL;
    credential->identity_token = with_token.identity_token;
    return true;
}

enum err_kind oci_login_check(
    const struct oci_session_options *options,
    const char *host,
    struct oci_credential *credential,
    struct oci_login_check *ret,
    struct err *err)
{
    auto_oci_probe struct oci_probe probe = {0};
    *ret = (struct oci_login_check){0};
    enum err_kind r = check_values(credential, err);
    if (r == ERR_OK)
        r = oci_probe_run(options, host, &probe, err);
    if (r == ERR_OK && probe.status == 404)
        r = err_set(err, ERR_UNSUPPORTED, "'%s' is no registry: it has no /v2/", host);
    if (r != ERR_OK)
        return r;
    ret->is_unchecked = probe.status == 200;
    if (ret->is_unchecked || take_token(options, host, &probe, credential))
        return ERR_OK;
    return try_them(options, host, credential, err);
}

/* --- keeping ----------------------------------------------------------------------------------------- */

void oci_login_kept_deinit(struct oci_login_kept *kept)
{
    free(kept->helper);
    *kept = (struct oci_login_kept){0};
}

/* The file while nobody else of us changes it. */
struct config {
    char *path; /* what a symbolic link points to */
    int dir;    /* its directory, locked; -1 */
    struct buf text;
};

static void config_close(struct config *c)
{
    if (c->text.p != NULL)
        explicit_bzero(c->text.p, c->text.n);
    buf_deinit(&c->text);
    if (c->dir >= 0)
        close(c->dir); /* ends the lock */
    free(c->path);
}
#define auto_config CLEANUP(config_close)

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return mem_strdup(".");
    return mem_strdup_str(str_of(path, slash == path ? 1 : (size_t)(slash - path)));
}

static enum err_kind lock_folder(const char *folder, int *ret, struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "opening '%s'", folder);
    while (flock(fd, LOCK_EX) != 0) {
        if (errno == EINTR)
            continue;
        enum err_kind r = err_errno(err, errno, "locking '%s'", folder);
        close(fd);
        return r;
    }
    *ret = fd;
    return ERR_OK;
}

static enum err_kind config_open(const char *path, bool create, struct config *ret, struct err *err)
{
    char real[PATH_MAX];
    ret->path = mem_strdup(realpath(path, real) != NULL ? real : path);
    autofree char *folder = folder_of(ret->path);
    if (!create && !fs_is_dir(folder))
        return ERR_OK;
    enum err_kind r = fs_make_dirs(folder, DIR_MODE, err);
    if (r == ERR_OK)
        r = lock_folder(folder, &ret->dir, err);
    if (r != ERR_OK)
        return r;
    r = fs_read_file(ret->path, OCI_CREDENTIALS_FILE_MAX, &ret->text, err);
    return r == ERR_NOT_FOUND ? ERR_OK : r;
}

static enum err_kind
rewrite(struct config *c, const char *host, struct str entry, bool *ret_had, struct err *err)
{
    struct buf text = {.max = OCI_CREDENTIALS_FILE_MAX};
    enum err_kind r = oci_login_edit(buf_view(&c->text), host, entry, &text, ret_had, err);
    bool is_change = entry.p != NULL || *ret_had;
    if (r == ERR_OK && is_change)
        r = fs_write_atomic(c->path, buf_view(&text), FILE_MODE, err);
    if (text.p != NULL)
        explicit_bzero(text.p, text.n);
    buf_deinit(&text);
    return r;
}

/* The entry's members as docker writes them: a token stands beside the user's name alone. */
static void write_members(struct buf *to, const struct oci_credential *c)
{
    struct buf plain = {0};
    buf_printf(&plain, "%s:%s", c->username, c->password != NULL ? c->password : "");
    buf_text(to, "\"auth\": \"");
    base64_encode(to, buf_view(&plain));
    buf_char(to, '"');
    if (c->identity_token != NULL) {
        buf_text(to, ",\n\t\t\t\"identitytoken\": ");
        json_text_string(to, str_from(c->identity_token));
    }
    explicit_bzero(plain.p, plain.n);
    buf_deinit(&plain);
}

static enum err_kind
find_helper(const struct config *c, const char *host, char **ret_helper, struct err *err)
{
    auto_oci_credential_source struct oci_credential_source source = {0};
    struct err ignored;
    enum err_kind r = oci_credentials_read(buf_view(&c->text), host, NULL, &source, &ignored);
    /* An entry that cannot be read is about to be replaced; what is no JSON at all is not. */
    if (r != ERR_OK) {
        auto_json struct json_doc doc = {0};
        if (json_parse(buf_view(&c->text), JSON_STORED, &doc, NULL) != ERR_OK)
            return err_set(err, ERR_INVALID, "it is not a JSON object, and is left as it is");
        return ERR_OK;
    }
    *ret_helper = source.helper;
    source.helper = NULL;
    return ERR_OK;
}

static enum err_kind keep(
    struct config *c,
    const char *host,
    const struct oci_credential *credential,
    char **ret_helper,
    struct err *err)
{
    autofree char *helper = NULL;
    struct buf members = {0};
    bool had;
    enum err_kind r = find_helper(c, host, &helper, err);
    if (r == ERR_OK && helper != NULL)
        r = oci_credential_helper_store(helper, oci_credential_server(host), 0, credential, err);
    else if (r == ERR_OK)
        write_members(&members, credential);
    /* Beside a helper the empty entry says that there is something to ask for, as docker has it. */
    if (r == ERR_OK)
        r = rewrite(c, host, buf_view(&members), &had, err);
    if (members.p != NULL)
        explicit_bzero(members.p, members.n);
    buf_deinit(&members);
    if (r == ERR_OK)
        *ret_helper = steal(&helper);
    return r;
}

enum err_kind oci_login_store(
    const char *config_path,
    const char *host,
    const struct oci_credential *credential,
    struct oci_login_kept *ret,
    struct err *err)
{
    auto_config struct config c = {.dir = -1};
    *ret = (struct oci_login_kept){0};
    enum err_kind r = config_open(config_path, true, &c, err);
    if (r == ERR_OK)
        r = keep(&c, host, credential, &ret->helper, err);
    return r == ERR_OK ? r : err_wrap(err, "keeping credentials in '%s'", config_path);
}

enum err_kind
oci_login_erase(const char *config_path, const char *host, bool *ret_had, struct err *err)
{
    auto_config struct config c = {.dir = -1};
    autofree char *helper = NULL;
    bool was_in_helper = false;
    *ret_had = false;
    enum err_kind r = config_open(config_path, false, &c, err);
    if (r == ERR_OK && c.text.n == 0)
        return ERR_OK;
    if (r == ERR_OK)
        r = find_helper(&c, host, &helper, err);
    if (r == ERR_OK && helper != NULL) {
        r = oci_credential_helper_erase(helper, oci_credential_server(host), 0, err);
        was_in_helper = r == ERR_OK;
        r = r == ERR_NOT_FOUND ? ERR_OK : r;
    }
    if (r == ERR_OK)
        r = rewrite(&c, host, str_of(NULL, 0), ret_had, err);
    *ret_had = *ret_had || was_in_helper;
    return r == ERR_OK ? r : err_wrap(err, "removing credentials from '%s'", config_path);
}
