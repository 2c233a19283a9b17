#include "api/writes.h"
#include "api/status.h"

struct core_target api_target(const struct http_request *q)
{
    return (struct core_target){
        .group = http_param(q, "group"),
        .version = http_param(q, "version"),
        .plural = http_param(q, "plural"),
        .ns = http_param(q, "ns"),
        .name = http_param(q, "name"),
    };
}

/* --- what is asked for ---------------------------------------------------------------------------------- */

/* curl's form type is taken for what people type by hand, but a page in a browser
 * could send it without being asked first, so never together with an Origin. */
static bool is_json_type(const struct http_request *q)
{
    struct str rest = http_header(q, "Content-Type");
    struct str type = str_trim(str_cut(&rest, ';'));
    if (type.n == 0 || str_eq_nocase(type, STR("application/json")) ||
        (type.n > 5 && str_eq_nocase(str_skip(type, type.n - 5), STR("+json"))))
        return true;
    return str_eq_nocase(type, STR("application/x-www-form-urlencoded")) &&
        http_header(q, "Origin").p == NULL;
}

static enum err_kind bad_value(const char *what, struct str value, const char *way, struct err *err)
{
    return err_set(
        err, ERR_MALFORMED, "%s '" STR_FMT "' is not known: %s", what, STR_ARG(str_take(value, 64)),
        way);
}

/* RFC 9110 section 13.1.1: one entity tag, or `*`. A weak one never matches: it stays as it is. */
static enum err_kind
read_if_match(const struct http_request *q, struct str *ret_version, struct err *err)
{
    struct str tag = str_trim(http_header(q, "If-Match"));
    *ret_version = tag;
    if (tag.n == 0 || str_eqz(tag, "*") || str_starts(tag, STR("W/\"")))
        return ERR_OK;
    if (tag.n < 2 || tag.p[0] != '"' || tag.p[tag.n - 1] != '"')
        return bad_value("If-Match", tag, "one entity tag in quotes is expected, or *", err);
    *ret_version = str_of(tag.p + 1, tag.n - 2);
    return ERR_OK;
}

static enum err_kind
read_condition(const struct http_request *q, struct core_condition *ret, struct err *err)
{
    struct str absent = str_trim(http_header(q, "If-None-Match"));
    ret->is_absent = str_eqz(absent, "*");
    if (absent.n > 0 && !ret->is_absent)
        return bad_value("If-None-Match", absent, "of a change it can only be *", err);
    return read_if_match(q, &ret->version, err);
}

static enum err_kind
write_options_of(const struct http_request *q, struct core_write_options *ret, struct err *err)
{
    struct str dry_run = http_query(q, "dryRun");
    *ret = (struct core_write_options){
        .idempotency_key = http_header(q, "Idempotency-Key"),
        .message = http_query(q, "message"),
        .proposal = http_query(q, "proposal"),
        .is_dry_run = str_eqz(dry_run, "All"),
        .cancel = q->is_gone,
    };
    if (dry_run.n > 0 && !ret->is_dry_run)
        return bad_value("dryRun", dry_run, "'All' is the only value", err);
    return read_condition(q, &ret->condition, err);
}

/* --- answers ------------------------------------------------------------------------------------------ */

static void answer_write(
    const struct http_request *q,
    struct http_response *p,
    enum err_kind r,
    struct core_result *take_result,
    const struct err *err)
{
    if (r != ERR_OK) {
        status_write(p, q, err);
    } else if (take_result->is_unchanged) {
        p->status = 204;
    } else {
        p->status = 202;
        p->content_type = "application/json";
        buf_str(&p->body, buf_view(&take_result->body));
    }
    core_result_deinit(take_result);
}

static bool refuse_type(const struct http_request *q, struct http_response *p)
{
    struct err err = {0};
    if (is_json_type(q))
        return false;
    err_set(&err, ERR_UNSUPPORTED, "this Content-Type is not taken: send application/json");
    status_write_as(p, q, 415, "UnsupportedMediaType", &err);
    return true;
}

void api_put_object(void *context, const struct http_request *q, struct http_response *p)
{
    struct core_target target = api_target(q);
    struct core_write_options options;
    struct core_result result = {0};
    struct err err = {0};
    if (refuse_type(q, p))
        return;
    enum err_kind r = write_options_of(q, &options, &err);
    if (r == ERR_OK)
        r = core_put(context, &target, q->body, &options, &result, &err);
    answer_write(q, p, r, &result, &err);
}

void api_delete_object(void *context, const struct http_request *q, struct http_response *p)
{
    struct core_target target = api_target(q);
    struct core_write_options options;
    struct core_result result = {0};
    struct err err = {0};
    enum err_kind r = write_options_of(q, &options, &err);
    if (r == ERR_OK)
        r = core_delete(context, &target, &options, &result, &err);
    answer_write(q, p, r, &result, &err);
}

/* If-Match is about one object: each change of a set says its own. */
void api_change_set(void *context, const struct http_request *q, struct http_response *p)
{
    struct core_write_options options;
    struct core_result result = {0};
    struct err err = {0};
    if (refuse_type(q, p))
        return;
    enum err_kind r = write_options_of(q, &options, &err);
    if (r == ERR_OK && (options.condition.is_absent || options.condition.version.n > 0))
        r = err_set(
            &err, ERR_MALFORMED,
            "a set of changes has no version of its own: give ifMatch or ifNoneMatch with each "
            "change");
    if (r == ERR_OK)
        r = core_change_set(context, q->body, &options, &result, &err);
    answer_write(q, p, r, &result, &err);
}
