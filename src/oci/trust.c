#include "oci/trust.h"
#include "base/mem.h"
#include "oci/attach.h"
#include "oci/signature.h"
#include "oci/trust_policy.h"

#include <stdio.h>

struct oci_trust *oci_trust_free(struct oci_trust *t)
{
    if (t == NULL)
        return NULL;
    for (size_t i = 0; i < t->rule_count; i++) {
        struct trust_rule *rule = &t->rules[i];
        for (size_t j = 0; j < rule->pattern_count; j++)
            free(rule->patterns[j]);
        for (size_t j = 0; j < rule->key_count; j++) {
            oci_key_free(rule->keys[j].key);
            free(rule->keys[j].path);
        }
        free(rule->patterns);
        free(rule->keys);
    }
    free(t->rules);
    buf_deinit(&t->annotations);
    free(t->path);
    free(t);
    return NULL;
}

void oci_trust_require_too(struct oci_trust *t, const struct oci_trust *also)
{
    t->also = also;
}

enum err_kind
oci_trust_require_annotations(struct oci_trust *t, const char *const *annotations, struct err *err)
{
    return oci_annotations_write(annotations, &t->annotations, err);
}

/* --- which rule --------------------------------------------------------------------------------------- */

char *trust_subject(const struct oci_ref *ref)
{
    if (ref->kind == OCI_REF_LAYOUT)
        return mem_printf("oci-layout:%s", ref->path);
    if (ref->kind == OCI_REF_STORE)
        return mem_strdup(ref->repository);
    char *text = mem_printf("%s/%s", ref->host, ref->repository);
    for (char *p = text; *p != '/'; p++) {
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a'); /* names of hosts are the same in any case */
    }
    return text;
}

static const struct trust_rule *rule_for(const struct oci_trust *t, const char *subject)
{
    for (size_t i = 0; i < t->rule_count; i++) {
        for (size_t j = 0; j < t->rules[i].pattern_count; j++) {
            if (glob_match(str_from(t->rules[i].patterns[j]), str_from(subject)))
                return &t->rules[i];
        }
    }
    return NULL;
}

/* --- counting ----------------------------------------------------------------------------------------- */

#define FOUND_MAX ((size_t)600)

struct counting {
    const struct trust_rule *rule;
    yyjson_val *annotations; /* that each must have; NULL: none */
    bool *counted;           /* a flag a key */
    size_t count;            /* of keys that counted */
    size_t seen;             /* signatures, whatever they are worth */
    struct buf found;        /* of those that do not count, for the error; cut when it is long */
    struct oci_verdict *verdict;
    bool (*each)(void *data, const struct oci_signature *s, const char *signer);
    void *data;
};

/* What the signer signed along, as the image's own annotations are not looked at. */
static bool has_annotations(const struct counting *c, const struct oci_signature *s)
{
    size_t i, n;
    yyjson_val *key, *val;
    auto_json struct json_doc doc = {0};
    bool has_all = json_parse(s->annotations, JSON_STORED, &doc, NULL) == ERR_OK;
    yyjson_obj_foreach(c->annotations, i, n, key, val)
    {
        struct str found =
            json_str(yyjson_obj_getn(doc.root, yyjson_get_str(key), yyjson_get_len(key)));
        has_all = has_all && found.p != NULL && str_eq(found, json_str(val));
    }
    return has_all;
}

static const char *signer_of(struct counting *c, const struct oci_signature *s)
{
    if (!has_annotations(c, s))
        return NULL;
    for (size_t i = 0; i < c->rule->key_count; i++) {
        const struct oci_key *key = c->rule->keys[i].key;
        if (!oci_signature_is_by(s, key))
            continue;
        if (c->count == 0)
            snprintf(c->verdict->signer, sizeof(c->verdict->signer), "%s", oci_key_id(key));
        c->count += !c->counted[i];
        c->counted[i] = true;
        return oci_key_id(key);
    }
    return NULL;
}

static void note_refused(struct counting *c, const struct oci_signature *s)
{
    if (c->found.n > FOUND_MAX)
        return;
    buf_text(&c->found, c->found.n > 0 ? "; " : "");
    if (s->problem != NULL)
        buf_text(&c->found, s->problem);
    else if (s->has_certificate)
        buf_text(&c->found, "one by a certificate, not by a key");
    else if (!has_annotations(c, s))
        buf_text(&c->found, "one without the annotations that are asked for");
    else
        buf_text(&c->found, "one by another key, or over other bytes");
}

static bool count_one(void *data, const struct oci_signature *s)
{
    struct counting *c = data;
    const char *signer = signer_of(c, s);
    c->seen++;
    if (signer == NULL)
        note_refused(c, s);
    if (c->each != NULL)
        return c->each(c->data, s, signer);
    return c->count < c->rule->minimum;
}

/* --- the verdict -------------------------------------------------------------------------------------- */

static enum err_kind refuse(
    const struct oci_trust *t,
    const struct counting *c,
    const char *subject,
    const char *digest,
    struct err *err)
{
    struct str found = str_take(buf_view(&c->found), FOUND_MAX);
    autofree char *wanted = c->rule->minimum == 1
        ? mem_strdup("a trusted key")
        : mem_printf("%zu trusted keys (%zu did)", c->rule->minimum, c->count);
    if (c->seen == 0)
        return err_set(
            err, ERR_UNVERIFIED, "'%s' at %s must be signed by %s, and there is no signature%s%s%s",
            subject, digest, wanted, t->path == NULL ? "" : " (policy '",
            t->path == NULL ? "" : t->path, t->path == NULL ? "" : "')");
    return err_set(
        err, ERR_UNVERIFIED, "'%s' at %s must be signed by %s; of %zu found: " STR_FMT "%s%s%s",
        subject, digest, wanted, c->seen, STR_ARG(found.n > 0 ? found : STR("none by the others")),
        t->path == NULL ? "" : " (policy '", t->path == NULL ? "" : t->path,
        t->path == NULL ? "" : "')");
}

static enum err_kind judge(
    const struct oci_trust *t,
    struct oci_place *place,
    const char *subject,
    const char *digest,
    struct counting *c,
    struct err *err)
{
    autofree bool *counted = mem_alloc((c->rule->key_count + 1) * sizeof(*counted));
    c->counted = counted;
    enum err_kind r = oci_signatures_each(place, digest, count_one, c, err);
    if (r == ERR_LIMIT)
        r = err_as(err, ERR_UNVERIFIED); /* whoever puts so many there hides the good ones */
    if (r != ERR_OK)
        r = err_wrap(err, "the signatures of '%s' cannot be checked", subject);
    else if (c->count < c->rule->minimum)
        r = refuse(t, c, subject, digest, err);
    if (r == ERR_OK)
        c->verdict->state = OCI_TRUST_VERIFIED;
    buf_deinit(&c->found);
    return r;
}

static enum err_kind inspect_one(
    const struct oci_trust *t,
    const struct oci_ref *ref,
    struct oci_place *place,
    const char *digest,
    bool (*each)(void *data, const struct oci_signature *s, const char *signer),
    void *data,
    struct oci_verdict *ret,
    struct err *err)
{
    struct oci_verdict verdict = {.state = OCI_TRUST_UNKNOWN};
    autofree char *subject = trust_subject(ref);
    const struct trust_rule *rule = rule_for(t, subject);
    if (rule == NULL && !t->default_accepts)
        return err_set(
            err, ERR_UNVERIFIED, "no rule of policy '%s' is for '%s', and what has none is refused",
            t->path == NULL ? "" : t->path, subject);
    if (rule == NULL || rule->accepts)
        return ERR_OK;
    struct counting c = {.rule = rule, .verdict = &verdict, .each = each, .data = data};
    auto_json struct json_doc wanted = {0};
    enum err_kind r = ERR_OK;
    if (t->annotations.n > 0)
        r = json_parse(buf_view(&t->annotations), JSON_STORED, &wanted, err);
    c.annotations = wanted.root;
    if (r == ERR_OK)
        r = judge(t, place, subject, digest, &c, err);
    if (r == ERR_OK)
        *ret = verdict;
    return r;
}

enum err_kind oci_trust_inspect(
    const struct oci_trust *t,
    const struct oci_ref *ref,
    struct oci_place *place,
    const char *digest,
    bool (*each)(void *data, const struct oci_signature *s, const char *signer),
    void *data,
    struct oci_verdict *ret,
    struct err *err)
{
    enum err_kind r = ERR_OK;
    struct oci_verdict verdict = {.state = OCI_TRUST_UNKNOWN};
    *ret = verdict;
    for (; r == ERR_OK && t != NULL; t = t->also)
        r = inspect_one(t, ref, place, digest, each, data, &verdict, err);
    if (r == ERR_OK)
        *ret = verdict;
    return r;
}

enum err_kind oci_trust_check(
    const struct oci_trust *t,
    const struct oci_ref *ref,
    struct oci_place *place,
    const char *digest,
    struct oci_verdict *ret,
    struct err *err)
{
    return oci_trust_inspect(t, ref, place, digest, NULL, NULL, ret, err);
}
