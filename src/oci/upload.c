#include "base/mem.h"
#include "http/url.h"
#include "oci/registry_call.h"

#include <stdio.h>

/* --- mounting -------------------------------------------------------------------------------------- */

/* A registry that would not mount has begun an upload instead; it is told that none comes. What it
 * says to that does not matter: sessions that nobody goes on with are dropped anyway. */
static void drop_session(struct oci_registry *r, const struct http_client_response *begun)
{
    struct str location = http_client_header(begun, "Location", 0);
    if (location.n == 0)
        return;
    autofree char *reference = mem_strdup_str(location);
    autofree char *url = NULL;
    if (http_url_join(begun->effective_url, reference, &url, NULL) != ERR_OK)
        return;
    struct oci_request q = {
        .host = r->host,
        .scope = r->push_scope,
        .target = url,
        .http = {.method = "DELETE", .body_max = OCI_ERROR_BODY_MAX},
        .is_single_try = true};
    struct http_client_response p = {0};
    (void)!oci_transport_send(r->transport, &q, &p, NULL);
    http_client_response_deinit(&p);
}

enum err_kind oci_registry_mount(
    struct oci_registry *r,
    const char *digest,
    const char *from_repository,
    bool *ret_is_mounted,
    struct err *err)
{
    *ret_is_mounted = false;
    /* Reading there and writing here: a token must say both. */
    autofree char *scope = mem_printf("%s repository:%s:pull", r->push_scope, from_repository);
    autofree char *target = mem_printf(
        "/v2/%s/blobs/uploads/?mount=%s&from=%s", r->repository, digest, from_repository);
    struct oci_request q = {
        .host = r->host,
        .scope = scope,
        .target = target,
        .http = {.method = "POST", .body_max = OCI_ERROR_BODY_MAX}};
    struct http_client_response p = {0};
    enum err_kind k = oci_transport_send(r->transport, &q, &p, err);
    *ret_is_mounted = k == ERR_OK && p.status == 201;
    if (k == ERR_OK && p.status == 202)
        drop_session(r, &p);
    http_client_response_deinit(&p);
    /* It may not be allowed, or not be known, there: then the blob is sent. */
    return k == ERR_UNAUTHENTICATED || k == ERR_DENIED ? ERR_OK : k;
}
