/* The text of docker's config.json with another entry under "auths" (oci/login.h). */
#include "oci/login.h"
#include "json/json.h"

/* Each member is looked for in the text anew: more than people have would take too long. */
#define ENTRIES_MAX 1000

static bool is_credential_member(struct str key)
{
    static const char *const NAMES[] = {
        "auth", "username", "password", "identitytoken", "registrytoken"};
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
        if (str_eqz(key, NAMES[i]))
            return true;
    }
    return false;
}

static void add_separator(struct buf *to, bool *is_first, const char *indent)
{
    buf_text(to, *is_first ? "\n" : ",\n");
    buf_text(to, indent);
    *is_first = false;
}

static void add_key(struct buf *to, yyjson_val *key)
{
    json_text_string(to, json_str(key));
    buf_text(to, ": ");
}

/* What docker writes by tabs: the new members, then those of the old entry that are not ours. */
static void write_entry(struct buf *to, struct str members, yyjson_val *old, struct str old_text)
{
    size_t i, n;
    yyjson_val *key, *val;
    bool is_first = true;
    buf_char(to, '{');
    if (members.n > 0) {
        add_separator(to, &is_first, "\t\t\t");
        buf_str(to, members);
    }
    if (yyjson_is_obj(old)) {
        yyjson_obj_foreach(old, i, n, key, val)
        {
            if (is_credential_member(json_str(key)))
                continue;
            add_separator(to, &is_first, "\t\t\t");
            add_key(to, key);
            buf_str(to, json_text_member(old_text, json_str(key), false));
        }
    }
    buf_text(to, is_first ? "}" : "\n\t\t}");
}

static bool is_repeated_later(yyjson_val *object, size_t at, struct str name)
{
    size_t i, n;
    yyjson_val *key, *val;
    yyjson_obj_foreach(object, i, n, key, val)
    {
        if (i > at && str_eq(json_str(key), name))
            return true;
    }
    return false;
}

/* All entries in their order; the first of the host's is where its new one goes. Of duplicates the last
 * one counted, and is the one that stays. */
static bool write_auths(
    struct buf *to, yyjson_val *auths, struct str auths_text, const char *host, struct str entry)
{
    size_t i, n;
    yyjson_val *key, *val;
    bool is_first = true, had = false, is_written = entry.p == NULL;
    buf_char(to, '{');
    if (yyjson_is_obj(auths)) {
        yyjson_obj_foreach(auths, i, n, key, val)
        {
            struct str name = json_str(key);
            bool is_own = oci_credential_is_host_key(name, host);
            struct str text = json_text_member(auths_text, name, false);
            had = had || is_own;
            if (is_repeated_later(auths, i, name) || (is_own && is_written))
                continue;
            add_separator(to, &is_first, "\t\t");
            add_key(to, key);
            if (is_own)
                write_entry(to, entry, val, text);
            else
                buf_str(to, text);
            is_written = is_written || is_own;
        }
    }
    if (!is_written) {
        add_separator(to, &is_first, "\t\t");
        json_text_string(to, str_from(oci_credential_server(host)));
        buf_text(to, ": ");
        write_entry(to, entry, NULL, STR(""));
    }
    buf_text(to, is_first ? "}" : "\n\t}");
    return had;
}

/* A member "auths" that was not there, at the end of the object. */
static void insert_auths(struct buf *to, struct str object, bool is_empty, struct str auths)
{
    struct str head = str_take(object, object.n - 1);
    while (head.n > 0 && str_trim(str_skip(head, head.n - 1)).n == 0)
        head.n--;
    buf_str(to, head);
    buf_text(to, is_empty ? "\n\t\"auths\": " : ",\n\t\"auths\": ");
    buf_str(to, auths);
    buf_text(to, "\n}");
}

static enum err_kind check_size(yyjson_val *auths, struct err *err)
{
    size_t i, n;
    yyjson_val *key, *val;
    if (!yyjson_is_obj(auths))
        return ERR_OK; /* yyjson steps from the pointer, also from NULL */
    bool is_large = yyjson_obj_size(auths) > ENTRIES_MAX;
    yyjson_obj_foreach(auths, i, n, key, val)
    {
        is_large = is_large || yyjson_obj_size(val) > ENTRIES_MAX;
    }
    if (is_large)
        return err_set(err, ERR_LIMIT, "its 'auths' has more than %d members", ENTRIES_MAX);
    return ERR_OK;
}

static enum err_kind parse(struct str config, struct json_doc *ret, struct err *err)
{
    if (json_parse(config, JSON_STORED, ret, NULL) != ERR_OK || !yyjson_is_obj(ret->root))
        return err_set(err, ERR_INVALID, "it is not a JSON object, and is left as it is");
    yyjson_val *auths = json_get(ret->root, "auths");
    if (auths != NULL && !yyjson_is_obj(auths) && !yyjson_is_null(auths))
        return err_set(err, ERR_INVALID, "its 'auths' is not an object, and is left as it is");
    return check_size(auths, err);
}

enum err_kind oci_login_edit(
    struct str config,
    const char *host,
    struct str entry,
    struct buf *ret,
    bool *ret_had,
    struct err *err)
{
    auto_json struct json_doc doc = {0};
    struct buf auths = {.max = OCI_CREDENTIALS_FILE_MAX};
    struct str text = str_trim(config).n == 0 ? STR("{}\n") : config;
    enum err_kind r = parse(text, &doc, err);
    if (r != ERR_OK)
        return r;
    yyjson_val *old = json_get(doc.root, "auths");
    struct str old_text = json_text_member(doc.text, STR("auths"), false);
    *ret_had = write_auths(&auths, old, old_text, host, entry);
    if (old_text.p != NULL) {
        buf_add(ret, text.p, (size_t)(old_text.p - text.p));
        buf_str(ret, buf_view(&auths));
        buf_str(ret, str_skip(text, (size_t)(old_text.p + old_text.n - text.p)));
    } else {
        buf_add(ret, text.p, (size_t)(doc.text.p - text.p));
        insert_auths(ret, doc.text, yyjson_obj_size(doc.root) == 0, buf_view(&auths));
        buf_str(ret, str_skip(text, (size_t)(doc.text.p + doc.text.n - text.p)));
    }
    r = buf_check(&auths, "it", err);
    if (auths.p != NULL)
        explicit_bzero(auths.p, auths.n);
    buf_deinit(&auths);
    return r == ERR_OK ? buf_check(ret, "it", err) : r;
}
