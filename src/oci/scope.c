#include "oci/scope.h"
#include "base/base64.h"
#include "base/mem.h"
#include "oci/digest.h"
#include "json/json.h"

#include <stdio.h>

#define CLAIMS_MAX ((size_t)64 << 10)

void oci_scopes_deinit(struct oci_scopes *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->items[i]);
    *s = (struct oci_scopes){0};
}

/* Takes the item, whether it finds room or not. */
static void add_item(struct oci_scopes *to, char *take_item)
{
    size_t at = 0;
    int order = 1;
    while (at < to->count && (order = strcmp(to->items[at], take_item)) < 0)
        at++;
    if ((at < to->count && order == 0) || to->count == OCI_SCOPES_MAX) {
        free(take_item);
        return;
    }
    memmove(&to->items[at + 1], &to->items[at], (to->count - at) * sizeof(*to->items));
    to->items[at] = take_item;
    to->count++;
}

/* A name may hold a colon (a port): the last one parts it from the actions. */
static void add_scope(struct oci_scopes *to, struct str scope)
{
    ptrdiff_t colon = str_rfind(scope, ':');
    if (colon < 0) {
        add_item(to, mem_strdup_str(scope));
        return;
    }
    struct str resource = str_take(scope, (size_t)colon);
    struct str actions = str_skip(scope, (size_t)colon + 1);
    while (actions.p != NULL) {
        struct str action = str_cut(&actions, ',');
        if (action.n > 0)
            add_item(to, mem_printf(STR_FMT ":" STR_FMT, STR_ARG(resource), STR_ARG(action)));
    }
}

void oci_scopes_add(struct oci_scopes *to, struct str text)
{
    while (text.p != NULL) {
        struct str scope = str_trim(str_cut(&text, ' '));
        if (scope.n > 0)
            add_scope(to, scope);
    }
}

/* Resource and action of an item; no resource where it has no colon. */
static struct str cut_item(const char *item, struct str *ret_action)
{
    struct str whole = str_from(item);
    ptrdiff_t colon = str_rfind(whole, ':');
    *ret_action = str_skip(whole, (size_t)(colon + 1));
    return str_take(whole, colon < 0 ? 0 : (size_t)colon);
}

char *oci_scopes_join(const struct oci_scopes *s)
{
    autobuf struct buf text = {0};
    struct str last = {0};
    for (size_t i = 0; i < s->count; i++) {
        struct str action, resource = cut_item(s->items[i], &action);
        if (i > 0 && resource.n > 0 && str_eq(resource, last))
            buf_printf(&text, "," STR_FMT, STR_ARG(action));
        else
            buf_printf(&text, "%s%s", i > 0 ? " " : "", s->items[i]);
        last = resource;
    }
    return buf_steal(&text);
}

const char *oci_scopes_missing(const struct oci_scopes *asked, const struct oci_scopes *granted)
{
    for (size_t i = 0; i < asked->count; i++) {
        size_t at = 0;
        while (at < granted->count && strcmp(granted->items[at], asked->items[i]) != 0)
            at++;
        if (at == granted->count)
            return asked->items[i];
    }
    return NULL;
}

char *oci_scope_show(const char *item, char ret[OCI_SCOPE_SHOWN_MAX])
{
    char shown_action[OCI_SHOWN_MAX], shown_resource[OCI_SHOWN_MAX];
    struct str action, resource = cut_item(item, &action);
    snprintf(
        ret, OCI_SCOPE_SHOWN_MAX, "action '%s' on '%s'", oci_show(action, shown_action),
        oci_show(resource, shown_resource));
    return ret;
}

/* --- what a token grants --------------------------------------------------------------------------------- */

/* base64url without padding (RFC 7515, section 2), as base64. */
static bool decode_url(struct buf *to, struct str text)
{
    autobuf struct buf plain = {.max = CLAIMS_MAX};
    for (size_t i = 0; i < text.n; i++)
        buf_char(&plain, text.p[i] == '-' ? '+' : text.p[i] == '_' ? '/' : text.p[i]);
    return !plain.is_failed && base64_decode(to, buf_view(&plain)) && !to->is_failed;
}

static void add_grant(struct oci_scopes *to, yyjson_val *grant)
{
    size_t i, n;
    yyjson_val *action;
    struct str type = json_str(json_get(grant, "type"));
    struct str name = json_str(json_get(grant, "name"));
    yyjson_arr_foreach(json_get(grant, "actions"), i, n, action)
    {
        struct str text = json_str(action);
        autofree char *scope = mem_printf(
            STR_FMT ":" STR_FMT ":" STR_FMT, STR_ARG(type), STR_ARG(name), STR_ARG(text));
        oci_scopes_add(to, str_from(scope));
    }
}

bool oci_scopes_of_token(struct oci_scopes *to, struct str token)
{
    autobuf struct buf claims = {.max = CLAIMS_MAX};
    auto_json struct json_doc doc = {0};
    (void)str_cut(&token, '.');
    struct str payload = token.p != NULL ? str_cut(&token, '.') : token;
    if (payload.n == 0 || payload.n > CLAIMS_MAX || !decode_url(&claims, payload) ||
        json_parse(buf_view(&claims), JSON_STORED, &doc, NULL) != ERR_OK)
        return false;
    yyjson_val *access = json_get(doc.root, "access");
    size_t i, n;
    yyjson_val *grant;
    if (!yyjson_is_arr(access))
        return false;
    yyjson_arr_foreach(access, i, n, grant) add_grant(to, grant);
    return true;
}

struct str oci_scope_repository(struct str text)
{
    static const struct str PREFIX = {"repository:", 11};
    struct str scope = str_cut(&text, ' ');
    ptrdiff_t end = str_rfind(scope, ':');
    if (!str_starts(scope, PREFIX) || end < (ptrdiff_t)PREFIX.n)
        return STR("");
    return str_skip(str_take(scope, (size_t)end), PREFIX.n);
}
