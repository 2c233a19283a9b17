/*
 * One look at a registry without credentials: is it reached, how, and what does it ask for? login and
 * ping begin with it. Requests with credentials are auth.h's.
 */
#pragma once

#include "http/client.h"
#include "oci/challenge.h"
#include "oci/image.h"

struct oci_probe {
    struct http_client *http;
    const char *wire;         /* the host's name on the wire; borrowed */
    bool is_plain;            /* it is spoken to without TLS: asked for, or the next one */
    bool is_fallback;         /* a loopback host that speaks no TLS: it gets no credentials */
    enum http_nearness peer;  /* who answered */
    enum http_step failed_at; /* where oci_probe_run failed */
    bool is_not_tls;          /* ... because it does not speak TLS */
    int status;               /* of GET /v2/; 0: none came */
    struct oci_challenges
        asked; /* what it asks for where the status is 401; nothing of another host
                                  * that it redirects to */
};
void oci_probe_deinit(struct oci_probe *p);
#define auto_oci_probe CLEANUP(oci_probe_deinit)

/*
 * GET /v2/ of `host` (as in a reference; it stays while ret is used). ret is filled in either case, as
 * far as it went; release it always. UNAVAILABLE, TIMEOUT: no answer; the text says why. Any status is
 * an answer. MALFORMED: a 401 whose challenges do not parse.
 */
enum err_kind oci_probe_run(
    const struct oci_session_options *options,
    const char *host,
    struct oci_probe *ret,
    struct err *err) MUST_USE;
