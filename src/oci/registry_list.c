#include "base/mem.h"
#include "http/link.h"
#include "oci/manifest.h"
#include "oci/registry_call.h"
#include "json/json.h"

#include <stdio.h>

/* Pages of one list: tags come at least ten a page, or the registry is not to be waited for. */
enum { PAGES_MAX = OCI_TAGS_MAX / 10 };

/* --- pages ----------------------------------------------------------------------------------------- */

/* A list that comes in pages. Every address is kept: one that comes again would go on for ever. */
struct pages {
    struct oci_registry *registry;
    const char *accept;
    char **urls;
    size_t count;
    size_t cap;
};

static void pages_deinit(struct pages *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->urls[i]);
    free(s->urls);
}

static enum err_kind add_page(struct pages *s, char **take_url, struct err *err)
{
    autofree char *url = steal(take_url);
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->urls[i], url) == 0)
            return err_set(
                err, ERR_LIMIT, "the registry's pages go round in a circle (Link of page %zu)",
                s->count);
    }
    if (s->count == PAGES_MAX)
        return err_set(err, ERR_LIMIT, "the list has more than %d pages", PAGES_MAX);
    mem_grow(&s->urls, s->count, &s->cap);
    s->urls[s->count++] = steal(&url);
    return ERR_OK;
}

static enum err_kind get_page(struct pages *s, struct http_client_response *ret, struct err *err)
{
    struct http_header accept = {"Accept", s->accept};
    struct oci_request q = {
        .host = s->registry->host,
        .scope = s->registry->pull_scope,
        .target = s->urls[s->count - 1],
        .http = {
            .method = "GET",
            .headers = &accept,
            .header_count = 1,
            .body_max = OCI_MANIFEST_MAX,
            .follow_redirects = true}};
    return oci_transport_send(s->registry->transport, &q, ret, err);
}

/* Ask for the pages in turn; `take` says what to make of one. */
static enum err_kind walk_pages(
    struct pages *s,
    char **take_target,
    enum err_kind (*take)(
        void *data, struct oci_registry *r, const struct http_client_response *p, struct err *err),
    void *data,
    struct err *err)
{
    enum err_kind k = add_page(s, take_target, err);
    while (k == ERR_OK) {
        struct http_client_response p = {0};
        autofree char *next = NULL;
        k = get_page(s, &p, err);
        if (k == ERR_OK)
            k = take(data, s->registry, &p, err);
        if (k == ERR_OK)
            k = http_link_next(&p, &next, err);
        http_client_response_deinit(&p);
        if (next == NULL)
            break;
        k = add_page(s, &next, err);
    }
    pages_deinit(s);
    return k;
}

/* --- tags ------------------------------------------------------------------------------------------ */

struct tag_list {
    bool (*each)(void *data, struct str tag, struct err *err);
    void *data;
    size_t count;
};

static enum err_kind take_tag(struct tag_list *t, struct str tag, struct err *err)
{
    if (++t->count > OCI_TAGS_MAX)
        return err_set(err, ERR_LIMIT, "the repository has more than %d tags", OCI_TAGS_MAX);
    struct err why = {0};
    if (tag.p == NULL || t->each(t->data, tag, &why))
        return ERR_OK;
    if (why.kind == ERR_OK)
        err_set(&why, ERR_CANCELLED, "the list was not read to its end");
    if (err != NULL)
        *err = why;
    return why.kind;
}

static enum err_kind
take_tags(void *data, struct oci_registry *r, const struct http_client_response *p, struct err *err)
{
    auto_json struct json_doc doc = {0};
    size_t i, n;
    yyjson_val *item;
    if (p->status == 404)
        return err_set(err, ERR_NOT_FOUND, "no repository '%s/%s'", r->host, r->repository);
    if (p->status != 200)
        return oci_status_error(r, p, "list", "tags", err);
    enum err_kind k = json_parse(buf_view(&p->body), JSON_STORED, &doc, err);
    if (k != ERR_OK)
        return err_wrap(err, "the list of tags of '%s/%s'", r->host, r->repository);
    /* Without tags some registries write null. */
    yyjson_arr_foreach(json_get(doc.root, "tags"), i, n, item)
    {
        k = take_tag(data, json_str(item), err);
        if (k != ERR_OK)
            return k;
    }
    return ERR_OK;
}

enum err_kind oci_registry_tags(
    struct oci_registry *r,
    bool (*each)(void *data, struct str tag, struct err *err),
    void *data,
    struct err *err)
{
    struct tag_list list = {.each = each, .data = data};
    struct pages pages = {.registry = r, .accept = "application/json"};
    autofree char *target = mem_printf("/v2/%s/tags/list?n=1000", r->repository);
    return walk_pages(&pages, &target, take_tags, &list, err);
}

/* --- referrers ------------------------------------------------------------------------------------- */

struct referrer_list {
    bool (*each)(void *data, struct str index, struct err *err);
    void *data;
};

static bool has_no_such_api(const struct http_client_response *p)
{
    struct str type = http_client_header(p, "Content-Type", 0);
    if (p->status == 200)
        return !str_eqz(str_trim(str_cut(&type, ';')), OCI_MEDIA_INDEX);
    return p->status == 400 || p->status == 404 || p->status == 405 || p->status == 406 ||
        p->status == 501;
}

static enum err_kind take_referrers(
    void *data, struct oci_registry *r, const struct http_client_response *p, struct err *err)
{
    struct referrer_list *list = data;
    struct err why = {0};
    if (has_no_such_api(p))
        return err_set(err, ERR_UNSUPPORTED, "'%s' has no referrers API", r->host);
    if (p->status != 200)
        return oci_status_error(r, p, "referrers", "referrers", err);
    if (list->each(list->data, buf_view(&p->body), &why))
        return ERR_OK;
    if (why.kind == ERR_OK)
        err_set(&why, ERR_CANCELLED, "the list was not read to its end");
    if (err != NULL)
        *err = why;
    return why.kind;
}

enum err_kind oci_registry_referrers(
    struct oci_registry *r,
    const char *digest,
    bool (*each)(void *data, struct str index, struct err *err),
    void *data,
    struct err *err)
{
    struct referrer_list list = {.each = each, .data = data};
    struct pages pages = {.registry = r, .accept = OCI_MEDIA_INDEX};
    autofree char *target = mem_printf("/v2/%s/referrers/%s", r->repository, digest);
    return walk_pages(&pages, &target, take_referrers, &list, err);
}

/* --- removal --------------------------------------------------------------------------------------- */

enum err_kind
oci_registry_delete_manifest(struct oci_registry *r, const char *reference, struct err *err)
{
    autofree char *target = mem_printf("/v2/%s/manifests/%s", r->repository, reference);
    struct oci_request q = {
        .host = r->host,
        .scope = r->delete_scope,
        .target = target,
        .http = {.method = "DELETE", .body_max = OCI_ERROR_BODY_MAX}};
    struct http_client_response p = {0};
    enum err_kind k = oci_transport_send(r->transport, &q, &p, err);
    /* distribution-spec, "Deleting tags": 400 or 405 where it is switched off. */
    if (k == ERR_OK && (p.status == 400 || p.status == 405))
        k = err_set(err, ERR_UNSUPPORTED, "'%s' does not let one delete '%s'", r->host, reference);
    else if (k == ERR_OK && p.status != 202 && p.status != 200 && p.status != 204)
        k = oci_status_error(r, &p, "manifest", reference, err);
    http_client_response_deinit(&p);
    return k;
}
