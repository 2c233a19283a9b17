#include "oci/registry.h"
#include "base/mem.h"
#include "oci/manifest.h"
#include "oci/registry_call.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdio.h>

#define ACCEPT                                                                                     \
    OCI_MEDIA_MANIFEST ", " OCI_MEDIA_INDEX ", " OCI_MEDIA_DOCKER_MANIFEST                         \
                       ", " OCI_MEDIA_DOCKER_LIST

struct oci_registry *
oci_registry_open(struct oci_transport *transport, const char *host, const char *repository)
{
    struct oci_registry *r = mem_new(struct oci_registry);
    r->transport = transport;
    r->host = mem_strdup(host);
    r->repository = mem_strdup(repository);
    r->pull_scope = mem_printf("repository:%s:pull", repository);
    r->push_scope = mem_printf("repository:%s:pull,push", repository);
    r->delete_scope = mem_printf("repository:%s:delete,pull", repository);
    return r;
}

struct oci_registry *oci_registry_close(struct oci_registry *r)
{
    if (r == NULL)
        return NULL;
    free(r->host);
    free(r->repository);
    free(r->pull_scope);
    free(r->push_scope);
    free(r->delete_scope);
    free(r);
    return NULL;
}

/* --- answers that are errors -------------------------------------------------------------------------------- */

enum err_kind oci_status_kind(int status)
{
    switch (status) {
    case 401:
        return ERR_UNAUTHENTICATED;
    case 403:
        return ERR_DENIED;
    case 404:
        return ERR_NOT_FOUND;
    case 405:
        return ERR_UNSUPPORTED;
    case 408:
    case 504:
        return ERR_TIMEOUT;
    case 409:
    case 412:
        return ERR_CONFLICT;
    case 413:
        return ERR_LIMIT;
    case 429:
    case 502:
    case 503:
        return ERR_UNAVAILABLE;
    default:
        return status >= 400 && status < 500 ? ERR_INVALID : ERR_FAILED;
    }
}

bool oci_answer_has_code(const struct http_client_response *p, const char *code)
{
    auto_json struct json_doc doc = {0};
    size_t i, n;
    yyjson_val *item;
    if (p->body.n == 0 || json_parse(buf_view(&p->body), JSON_STORED, &doc, NULL) != ERR_OK)
        return false;
    yyjson_arr_foreach(json_get(doc.root, "errors"), i, n, item)
    {
        if (str_eqz(json_str(json_get(item, "code")), code))
            return true;
    }
    return false;
}

/* The first {code, message} of a registry's error body (distribution-spec, "Error Codes"), made fit to
 * be shown; empty when there is none. */
static void error_detail(const struct http_client_response *p, char ret[2 * OCI_SHOWN_MAX + 8])
{
    auto_json struct json_doc doc = {0};
    snprintf(
        ret, 2 * OCI_SHOWN_MAX + 8, "%s", p->is_body_cut ? ", with a text that is too long" : "");
    if (p->body.n == 0 || p->is_body_cut ||
        json_parse(buf_view(&p->body), JSON_STORED, &doc, NULL) != ERR_OK)
        return;
    yyjson_val *first = yyjson_arr_get_first(json_get(doc.root, "errors"));
    struct str code = json_str(json_get(first, "code"));
    struct str message = json_str(json_get(first, "message"));
    char shown_code[OCI_SHOWN_MAX], shown_message[OCI_SHOWN_MAX];
    if (code.n > 0)
        snprintf(
            ret, 2 * OCI_SHOWN_MAX + 8, ": %s: %s", oci_show(code, shown_code),
            oci_show(message, shown_message));
}

enum err_kind oci_status_error(
    const struct oci_registry *r,
    const struct http_client_response *p,
    const char *what,
    const char *subject,
    struct err *err)
{
    char detail[2 * OCI_SHOWN_MAX + 8];
    enum err_kind kind = oci_status_kind(p->status);
    error_detail(p, detail);
    if (kind == ERR_NOT_FOUND)
        return err_set(err, kind, "no %s '%s' in '%s/%s'", what, subject, r->host, r->repository);
    char status[48];
    if (p->attempts > 1)
        snprintf(status, sizeof(status), "%d after %u attempts", p->status, p->attempts);
    else
        snprintf(status, sizeof(status), "status %d", p->status);
    return err_set(
        err, kind, "%s '%s' of '%s/%s': %s%s", what, subject, r->host, r->repository, status,
        detail);
}

/* --- pulling ------------------------------------------------------------------------------------------------- */

static enum err_kind check_manifest(
    const struct http_client_response *p,
    const char *reference,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    struct str said = http_client_header(p, "Docker-Content-Digest", 0);
    bool is_digest = oci_digest_check(str_from(reference), NULL) == ERR_OK;
    char shown[OCI_SHOWN_MAX];
    oci_digest_of(buf_view(&p->body), ret_digest);
    if (is_digest && strcmp(reference, ret_digest) != 0)
        return err_set(
            err, ERR_UNVERIFIED, "digest mismatch: asked for %s, got bytes of %s", reference,
            ret_digest);
    if (said.n > 0 && !str_eqz(said, ret_digest))
        return err_set(
            err, ERR_UNVERIFIED, "digest mismatch: Docker-Content-Digest says %s, the bytes are %s",
            oci_show(said, shown), ret_digest);
    return ERR_OK;
}

static void copy_media_type(const struct http_client_response *p, char *to, size_t room)
{
    struct str type = http_client_header(p, "Content-Type", 0);
    type = str_trim(str_cut(&type, ';'));
    /* Types that say nothing, as plain file servers send them, are not held against the manifest. */
    bool says_nothing = str_eqz(type, "application/json") || str_eqz(type, "text/plain") ||
        str_eqz(type, "application/octet-stream") || type.n >= room;
    snprintf(to, room, STR_FMT, says_nothing ? 0 : (int)type.n, type.n > 0 ? type.p : "");
}

static void copy_etag(const struct http_client_response *p, struct oci_manifest_head *to)
{
    struct str etag = http_client_header(p, "ETag", 0);
    /* One that does not fit is as none: half an ETag would match nothing. */
    if (etag.n > 0 && etag.n < sizeof(to->etag))
        snprintf(to->etag, sizeof(to->etag), STR_FMT, STR_ARG(etag));
}

enum err_kind oci_registry_manifest(
    struct oci_registry *r,
    const char *reference,
    struct buf *ret,
    struct oci_manifest_head *ret_head,
    struct err *err)
{
    struct oci_manifest_head head = {.size = UINT64_MAX};
    struct http_header accept = {"Accept", ACCEPT};
    autofree char *target = mem_printf("/v2/%s/manifests/%s", r->repository, reference);
    struct oci_request q = {
        .host = r->host,
        .scope = r->pull_scope,
        .target = target,
        .http = {
            .method = "GET",
            .headers = &accept,
            .header_count = 1,
            .body_max = OCI_MANIFEST_MAX,
            .follow_redirects = true}};
    struct http_client_response p = {0};
    enum err_kind k = oci_transport_send(r->transport, &q, &p, err);
    if (k == ERR_OK && p.status != 200)
        k = oci_status_error(r, &p, "manifest", reference, err);
    else if (k == ERR_OK)
        k = check_manifest(&p, reference, head.digest, err);
    if (k == ERR_OK) {
        copy_media_type(&p, head.media_type, sizeof(head.media_type));
        copy_etag(&p, &head);
        head.size = p.body.n;
        *ret_head = head;
        *ret = p.body;
        p.body = (struct buf){0};
    }
    http_client_response_deinit(&p);
    return k;
}

/* What a HEAD says; false where it leaves out the digest, so that a GET must tell. */
static bool read_head(const struct http_client_response *p, struct oci_manifest_head *ret)
{
    struct oci_manifest_head head = {.size = UINT64_MAX};
    struct str digest = http_client_header(p, "Docker-Content-Digest", 0);
    struct str length = http_client_header(p, "Content-Length", 0);
    if (oci_digest_check(digest, NULL) != ERR_OK)
        return false;
    memcpy(head.digest, digest.p, digest.n);
    copy_media_type(p, head.media_type, sizeof(head.media_type));
    copy_etag(p, &head);
    if (length.n > 0 && !str_to_u64(length, &head.size))
        head.size = UINT64_MAX;
    *ret = head;
    return true;
}

static enum err_kind head_by_get(
    struct oci_registry *r, const char *reference, struct oci_manifest_head *ret, struct err *err)
{
    autobuf struct buf bytes = {0};
    return oci_registry_manifest(r, reference, &bytes, ret, err);
}

enum err_kind oci_registry_head_manifest(
    struct oci_registry *r, const char *reference, struct oci_manifest_head *ret, struct err *err)
{
    struct http_header accept = {"Accept", ACCEPT};
    autofree char *target = mem_printf("/v2/%s/manifests/%s", r->repository, reference);
    struct oci_request q = {
        .host = r->host,
        .scope = r->pull_scope,
        .target = target,
        .http = {
            .method = "HEAD", .headers = &accept, .header_count = 1, .follow_redirects = true}};
    struct http_client_response p = {0};
    bool is_told = false;
    enum err_kind k = oci_transport_send(r->transport, &q, &p, err);
    if (k == ERR_OK && p.status == 404)
        k = oci_status_error(r, &p, "manifest", reference, err);
    else if (k == ERR_OK && p.status == 200)
        is_told = read_head(&p, ret);
    http_client_response_deinit(&p);
    return k != ERR_OK || is_told ? k : head_by_get(r, reference, ret, err);
}

/* --- pushing ------------------------------------------------------------------------------------------------- */

enum err_kind
oci_registry_has_blob(struct oci_registry *r, const char *digest, bool *ret_has, struct err *err)
{
    autofree char *target = mem_printf("/v2/%s/blobs/%s", r->repository, digest);
    struct oci_request q = {
        .host = r->host,
        .scope = r->push_scope,
        .target = target,
        .http = {.method = "HEAD", .follow_redirects = true}};
    struct http_client_response p = {0};
    enum err_kind k = oci_transport_send(r->transport, &q, &p, err);
    if (k == ERR_OK && p.status != 200 && p.status != 404)
        k = oci_status_error(r, &p, "blob", digest, err);
    *ret_has = k == ERR_OK && p.status == 200;
    http_client_response_deinit(&p);
    return k;
}

static enum err_kind
check_pushed(const struct http_client_response *p, const char *digest, struct err *err)
{
    struct str said = http_client_header(p, "Docker-Content-Digest", 0);
    char shown[OCI_SHOWN_MAX];
    if (said.n == 0 || str_eqz(said, digest))
        return ERR_OK;
    return err_set(
        err, ERR_UNVERIFIED, "digest mismatch: pushed %s, the registry answers %s", digest,
        oci_show(said, shown));
}

static enum err_kind put_error(
    const struct oci_registry *r,
    const struct oci_manifest_put *put,
    const struct http_client_response *p,
    struct err *err)
{
    if (oci_answer_has_code(p, "MANIFEST_BLOB_UNKNOWN"))
        return err_set(
            err, ERR_NOT_FOUND, "manifest '%s' names a blob that '%s/%s' does not have",
            put->reference, r->host, r->repository);
    if (p->status == 412 && (put->if_match != NULL || put->if_absent))
        return err_set(
            err, ERR_CONFLICT, "'%s' of '%s/%s' was changed by somebody else", put->reference,
            r->host, r->repository);
    return oci_status_error(r, p, "manifest", put->reference, err);
}

enum err_kind oci_registry_put_manifest(
    struct oci_registry *r,
    const struct oci_manifest_put *put,
    bool *ret_took_subject,
    struct err *err)
{
    struct http_header headers[2] = {{"Content-Type", put->media_type}};
    size_t count = 1;
    if (put->if_match != NULL)
        headers[count++] = (struct http_header){"If-Match", put->if_match};
    else if (put->if_absent)
        headers[count++] = (struct http_header){"If-None-Match", "*"};
    autofree char *target = mem_printf("/v2/%s/manifests/%s", r->repository, put->reference);
    struct oci_request q = {
        .host = r->host,
        .scope = r->push_scope,
        .target = target,
        .http = {
            .method = "PUT",
            .headers = headers,
            .header_count = count,
            .body = put->bytes,
            .body_max = OCI_ERROR_BODY_MAX}};
    struct http_client_response p = {0};
    enum err_kind k = oci_transport_send(r->transport, &q, &p, err);
    if (k == ERR_OK && p.status != 201)
        k = put_error(r, put, &p, err);
    else if (k == ERR_OK)
        k = check_pushed(&p, put->digest, err);
    if (k == ERR_OK && ret_took_subject != NULL)
        *ret_took_subject = http_client_header(&p, "OCI-Subject", 0).n > 0;
    http_client_response_deinit(&p);
    return k;
}
