#include "http/retry.h"
#include "oci/registry_call.h"

enum err_kind oci_registry_pause(
    struct oci_registry *r,
    unsigned failures,
    enum err_kind outcome,
    const struct http_client_response *p,
    const struct err *why,
    struct err *err)
{
    if (failures < HTTP_TRIES_MAX)
        return http_retry_wait(
            oci_transport_retry(r->transport), r->host, outcome, p, failures, HTTP_TRIES_MAX, err);
    if (err == NULL)
        return why->kind;
    *err = *why;
    return err_wrap(err, "after %u attempts", failures);
}
