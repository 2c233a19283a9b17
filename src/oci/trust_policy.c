#include "oci/trust_policy.h"
#include "base/fs.h"
#include "base/mem.h"
#include "oci/digest.h"
#include "json/json.h"

#include <stdio.h>

#define POLICY_MAX ((size_t)1 << 20)
#define RULES_MAX 1000
#define KEYS_MAX 100 /* of one rule */

/* --- keys --------------------------------------------------------------------------------------------- */

static enum err_kind read_key(const char *path, struct oci_key **ret, struct err *err)
{
    autobuf struct buf pem = {0};
    enum err_kind r = fs_read_file(path, OCI_KEY_FILE_MAX, &pem, err);
    return r == ERR_OK ? oci_key_parse_public(buf_view(&pem), path, ret, err) : r;
}

/* A key named twice would count twice towards the minimum. */
static enum err_kind add_key(struct trust_rule *rule, char *take_path, struct err *err)
{
    struct trust_key *to = &rule->keys[rule->key_count++];
    *to = (struct trust_key){.path = take_path};
    enum err_kind r = read_key(to->path, &to->key, err);
    for (size_t i = 0; r == ERR_OK && i + 1 < rule->key_count; i++) {
        if (strcmp(oci_key_id(rule->keys[i].key), oci_key_id(to->key)) == 0)
            r = err_set(
                err, ERR_INVALID, "'%s' and '%s' are the same key", rule->keys[i].path, to->path);
    }
    return r;
}

enum err_kind
oci_trust_of_keys(const char *const *key_paths, struct oci_trust **ret, struct err *err)
{
    size_t n = 0;
    while (key_paths[n] != NULL)
        n++;
    if (n == 0)
        return err_set(err, ERR_INVALID, "no key is given");
    autorelease(oci_trust_free) struct oci_trust *t = mem_new(struct oci_trust);
    t->rules = mem_new(struct trust_rule);
    t->rule_count = 1;
    t->rules->patterns = mem_new(char *);
    t->rules->patterns[0] = mem_strdup("**");
    t->rules->pattern_count = 1;
    t->rules->minimum = 1;
    t->rules->keys = mem_alloc(n * sizeof(*t->rules->keys));
    enum err_kind r = ERR_OK;
    for (size_t i = 0; r == ERR_OK && i < n; i++)
        r = add_key(t->rules, mem_strdup(key_paths[i]), err);
    if (r == ERR_OK)
        *ret = steal(&t);
    return r;
}

/* --- the file ----------------------------------------------------------------------------------------- */

/* A member that is not known may be a misspelt one that was meant to forbid something. */
static enum err_kind
check_members(yyjson_val *object, const char *const *known, const char *where, struct err *err)
{
    size_t i, n;
    yyjson_val *key, *val;
    char shown[OCI_SHOWN_MAX];
    if (!yyjson_is_obj(object))
        return err_set(err, ERR_INVALID, "%s is not an object", where);
    yyjson_obj_foreach(object, i, n, key, val)
    {
        const char *const *at = known;
        while (*at != NULL && !str_eqz(json_str(key), *at))
            at++;
        if (*at == NULL)
            return err_set(
                err, ERR_INVALID, "%s: there is no member '%s'", where,
                oci_show(json_str(key), shown));
    }
    return ERR_OK;
}

static enum err_kind check_strings(yyjson_val *list, size_t max, const char *where, struct err *err)
{
    size_t i, n;
    yyjson_val *item;
    if (!yyjson_is_arr(list) || yyjson_arr_size(list) == 0)
        return err_set(err, ERR_INVALID, "%s is not a list with something in it", where);
    if (yyjson_arr_size(list) > max)
        return err_set(err, ERR_LIMIT, "%s has more than %zu items", where, max);
    yyjson_arr_foreach(list, i, n, item)
    {
        struct str text = json_str(item);
        if (text.n == 0 || memchr(text.p, '\0', text.n) != NULL)
            return err_set(err, ERR_INVALID, "%s holds something that is not text", where);
    }
    return ERR_OK;
}

static enum err_kind
read_patterns(yyjson_val *list, const char *where, struct trust_rule *to, struct err *err)
{
    size_t i, n;
    yyjson_val *item;
    enum err_kind r = check_strings(list, RULES_MAX, where, err);
    if (r != ERR_OK)
        return r;
    to->patterns = mem_alloc(yyjson_arr_size(list) * sizeof(*to->patterns));
    yyjson_arr_foreach(list, i, n, item)
    {
        r = glob_check(json_str(item), err);
        if (r != ERR_OK)
            return err_wrap(err, "%s", where);
        to->patterns[to->pattern_count++] = mem_strdup_str(json_str(item));
    }
    return ERR_OK;
}

/* Relative to the policy's own folder, so that both can be moved together. */
static char *key_path(const char *policy, struct str text)
{
    const char *slash = strrchr(policy, '/');
    if (text.p[0] == '/' || slash == NULL)
        return mem_strdup_str(text);
    return mem_printf("%.*s/" STR_FMT, (int)(slash - policy), policy, STR_ARG(text));
}

static enum err_kind read_keys(
    yyjson_val *list, const char *where, const char *policy, struct trust_rule *to, struct err *err)
{
    size_t i, n;
    yyjson_val *item;
    enum err_kind r = check_strings(list, KEYS_MAX, where, err);
    if (r != ERR_OK)
        return r;
    to->keys = mem_alloc(yyjson_arr_size(list) * sizeof(*to->keys));
    yyjson_arr_foreach(list, i, n, item)
    {
        r = add_key(to, key_path(policy, json_str(item)), err);
        if (r != ERR_OK)
            return err_wrap(err, "%s", where);
    }
    return ERR_OK;
}

static enum err_kind
read_minimum(yyjson_val *val, const char *where, struct trust_rule *to, struct err *err)
{
    uint64_t n = 1;
    if (val != NULL &&
        (!yyjson_is_raw(val) || !str_to_u64(str_of(yyjson_get_raw(val), yyjson_get_len(val)), &n) ||
         n == 0 || n > to->key_count))
        return err_set(
            err, ERR_INVALID, "%s.minimum is not a number from 1 to the number of keys (%zu)",
            where, to->key_count);
    to->minimum = (size_t)n;
    return ERR_OK;
}

/* "accept": true, "allOf": […], or "anyOf": […] with "minimum". */
static enum err_kind read_demand(
    yyjson_val *val, const char *where, const char *policy, struct trust_rule *to, struct err *err)
{
    yyjson_val *accept = json_get(val, "accept");
    yyjson_val *all = json_get(val, "allOf");
    yyjson_val *any = json_get(val, "anyOf");
    yyjson_val *minimum = json_get(val, "minimum");
    if ((accept != NULL) + (all != NULL) + (any != NULL) != 1)
        return err_set(err, ERR_INVALID, "%s has not exactly one of anyOf, allOf, accept", where);
    if (minimum != NULL && any == NULL)
        return err_set(err, ERR_INVALID, "%s.minimum goes with anyOf only", where);
    if (accept != NULL) {
        to->accepts = yyjson_is_true(accept);
        return to->accepts ? ERR_OK : err_set(err, ERR_INVALID, "%s.accept is not true", where);
    }
    autofree char *list = mem_printf("%s.%s", where, all != NULL ? "allOf" : "anyOf");
    enum err_kind r = read_keys(all != NULL ? all : any, list, policy, to, err);
    if (r == ERR_OK)
        r = read_minimum(minimum, where, to, err);
    if (all != NULL)
        to->minimum = to->key_count;
    return r;
}

static enum err_kind read_rule(yyjson_val *val, size_t number, struct oci_trust *t, struct err *err)
{
    static const char *const known[] = {"repositories", "anyOf",   "allOf", "minimum",
                                        "accept",       "comment", NULL};
    char where[32], repositories[64];
    struct trust_rule *to = &t->rules[t->rule_count++];
    snprintf(where, sizeof(where), "rules[%zu]", number);
    snprintf(repositories, sizeof(repositories), "%s.repositories", where);
    enum err_kind r = check_members(val, known, where, err);
    if (r == ERR_OK)
        r = read_patterns(json_get(val, "repositories"), repositories, to, err);
    return r == ERR_OK ? read_demand(val, where, t->path, to, err) : r;
}

static enum err_kind read_default(yyjson_val *val, struct oci_trust *t, struct err *err)
{
    struct str text = json_str(val);
    t->default_accepts = str_eqz(text, "accept");
    if (val == NULL || t->default_accepts || str_eqz(text, "reject"))
        return ERR_OK;
    return err_set(err, ERR_INVALID, "default is neither \"reject\" nor \"accept\"");
}

static enum err_kind read_policy(yyjson_val *root, struct oci_trust *t, struct err *err)
{
    static const char *const known[] = {"default", "rules", "comment", NULL};
    enum err_kind r = check_members(root, known, "the policy", err);
    if (r == ERR_OK)
        r = read_default(json_get(root, "default"), t, err);
    yyjson_val *rules = json_get(root, "rules");
    if (r != ERR_OK || rules == NULL)
        return r;
    if (!yyjson_is_arr(rules))
        return err_set(err, ERR_INVALID, "rules is not a list");
    size_t n = yyjson_arr_size(rules);
    if (n > RULES_MAX)
        return err_set(err, ERR_LIMIT, "it has more than %d rules", RULES_MAX);
    t->rules = mem_alloc((n + 1) * sizeof(*t->rules));
    for (size_t i = 0; r == ERR_OK && i < n; i++)
        r = read_rule(yyjson_arr_get(rules, i), i, t, err);
    return r;
}

enum err_kind oci_trust_read(const char *path, struct oci_trust **ret, struct err *err)
{
    autobuf struct buf text = {0};
    auto_json struct json_doc doc = {0};
    autorelease(oci_trust_free) struct oci_trust *t = mem_new(struct oci_trust);
    t->path = mem_strdup(path);
    enum err_kind r = fs_read_file(path, POLICY_MAX, &text, err);
    if (r == ERR_OK)
        r = json_parse(buf_view(&text), JSON_STRICT, &doc, err);
    if (r == ERR_OK)
        r = read_policy(doc.root, t, err);
    if (r == ERR_MALFORMED)
        r = err_as(err, ERR_INVALID);
    if (r != ERR_OK)
        return err_wrap(err, "trust policy '%s'", path);
    *ret = steal(&t);
    return ERR_OK;
}
