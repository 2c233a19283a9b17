#include "oci/credential_helper.h"
#include "base/child.h"
#include "base/mem.h"
#include "json/json.h"

enum { HELPER_TIMEOUT_MS = 30000, HELPER_OUTPUT_MAX = 64 << 10 };

/* One run of a helper. */
struct call {
    const char *action;
    struct buf output;
};

/* The name becomes part of a program's name: no path, no option. */
static bool is_helper_name(const char *name)
{
    if (name[0] == '\0' || name[0] == '-' || name[0] == '.' || strlen(name) > 64)
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
        strlen(name);
}

static void call_deinit(struct call *c)
{
    if (c->output.p != NULL)
        explicit_bzero(c->output.p, c->output.n);
    buf_deinit(&c->output);
}
#define auto_call CLEANUP(call_deinit)

/* Run `docker-credential-HELPER ACTION`; NOT_FOUND: it says that it has nothing. */
static enum err_kind
ask(struct call *c, const char *helper, int64_t timeout_ms, struct str input, struct err *err)
{
    if (!is_helper_name(helper))
        return err_set(err, ERR_INVALID, "the name of the credential helper is not a plain name");
    autofree char *program = mem_printf("docker-credential-%s", helper);
    const char *const args[] = {program, c->action, NULL};
    const struct child child = {
        .program = program,
        .args = args,
        .input = input,
        .output_max = HELPER_OUTPUT_MAX,
        .timeout_ms = timeout_ms > 0 ? timeout_ms : HELPER_TIMEOUT_MS};
    struct child_end end;
    enum err_kind r = child_run(&child, &c->output, &end, err);
    struct str text = str_trim(buf_view(&c->output));
    if (r == ERR_NOT_FOUND)
        r = err_set(err, ERR_FAILED, "there is no such program on PATH");
    if (r == ERR_OK && end.exit_code != 0)
        r = str_search(text, STR("credentials not found")) >= 0
            ? err_set(err, ERR_NOT_FOUND, "it has nothing")
            : err_set(err, ERR_FAILED, "its '%s' failed", c->action);
    return r == ERR_OK ? r : err_wrap(err, "the credential helper '%s'", program);
}

/* --- the three calls -------------------------------------------------------------------------------- */

static enum err_kind take(struct str text, char **ret, struct err *err)
{
    if (!oci_credential_is_clean(text))
        return err_set(err, ERR_INVALID, "its answer holds a line break or NUL");
    *ret = mem_strdup_str(text);
    return ERR_OK;
}

static enum err_kind read_credential(struct str answer, struct oci_credential *ret, struct err *err)
{
    auto_json struct json_doc doc = {0};
    if (json_parse(answer, JSON_STORED, &doc, NULL) != ERR_OK)
        return err_set(err, ERR_FAILED, "its answer is not JSON");
    struct str user = json_str(json_get(doc.root, "Username"));
    struct str secret = json_str(json_get(doc.root, "Secret"));
    if (secret.p == NULL)
        return err_set(err, ERR_FAILED, "its answer has no Secret");
    if (str_eqz(user, "<token>"))
        return take(secret, &ret->identity_token, err);
    enum err_kind r = take(user, &ret->username, err);
    return r == ERR_OK ? take(secret, &ret->password, err) : r;
}

enum err_kind oci_credential_helper_get(
    const char *helper,
    const char *server,
    int64_t timeout_ms,
    struct oci_credential *ret,
    struct err *err)
{
    auto_call struct call c = {.action = "get"};
    struct oci_credential found = {0};
    enum err_kind r = ask(&c, helper, timeout_ms, str_from(server), err);
    if (r == ERR_NOT_FOUND)
        return ERR_OK;
    if (r != ERR_OK)
        return r;
    r = read_credential(str_trim(buf_view(&c.output)), &found, err);
    if (r != ERR_OK) {
        oci_credential_deinit(&found);
        return err_wrap(err, "the credential helper 'docker-credential-%s'", helper);
    }
    *ret = found;
    return ERR_OK;
}

enum err_kind oci_credential_helper_store(
    const char *helper,
    const char *server,
    int64_t timeout_ms,
    const struct oci_credential *credential,
    struct err *err)
{
    auto_call struct call c = {.action = "store"};
    struct buf input = {0};
    bool is_token = credential->identity_token != NULL;
    buf_text(&input, "{\"ServerURL\":");
    json_text_string(&input, str_from(server));
    buf_text(&input, ",\"Username\":");
    json_text_string(&input, is_token ? STR("<token>") : str_from(credential->username));
    buf_text(&input, ",\"Secret\":");
    json_text_string(
        &input, str_from(is_token ? credential->identity_token : credential->password));
    buf_char(&input, '}');
    enum err_kind r = ask(&c, helper, timeout_ms, buf_view(&input), err);
    explicit_bzero(input.p, input.n);
    buf_deinit(&input);
    return r;
}

enum err_kind oci_credential_helper_erase(
    const char *helper, const char *server, int64_t timeout_ms, struct err *err)
{
    auto_call struct call c = {.action = "erase"};
    return ask(&c, helper, timeout_ms, str_from(server), err);
}
