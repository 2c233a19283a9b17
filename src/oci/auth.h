/*
 * Requests to registries with the right credentials: scheme (HTTPS, plain HTTP where it is allowed),
 * answering challenges, tokens and their cache, and further tries where one is worth it. Credentials
 * come from credentials.c, waiting times from retry.c.
 */
#pragma once

#include "http/client.h"
#include "http/retry.h"
#include "oci/ref.h"

struct oci_session_options;
struct oci_credential;
struct oci_transport; /* of one session; any number of threads at once */

enum err_kind oci_transport_new(
    const struct oci_session_options *options,
    struct oci_transport **ret,
    struct err *err) MUST_USE;
struct oci_transport *oci_transport_free(struct oci_transport *t);

/* Use these for the host, whatever the configuration files say: login tries them before it keeps
 * them. Copied; NULL members stay unset. Before anything is asked of that host. */
void oci_transport_set_credential(
    struct oci_transport *t, const char *host, const struct oci_credential *credential);

/* Time for a test that does not want to wait; borrowed, before anything is asked. */
void oci_transport_set_clock(struct oci_transport *t, const struct http_retry_clock *clock);

struct oci_request {
    const char *host; /* as in a reference */
    /* "repository:a/b:pull": what a token is asked for; several with blanks between. A token's cache
     * key is the host and these, sorted. */
    const char *scope;
    /* Path and query on that host ("/v2/…"), or an absolute URL that the registry gave. An absolute
     * one on another host, port or scheme is asked without credentials. */
    const char *target;
    /* Method, headers (without Authorization), body and callbacks; its url is not looked at. */
    struct http_client_request http;
    /* Called before each try, to start read_body anew; may be NULL without read_body. */
    enum err_kind (*rewind)(void *data, struct err *err);
    void *rewind_data;
    /* No further try after a failure: the caller goes on from where it stands (an upload session, a
     * download by Range). A 401 is answered all the same. */
    bool is_single_try;
};
/*
 * Send it; on 401 get a token or use the credentials, once, and send it again. On 408, 429, 500, 502,
 * 503, 504 and on a connection that broke or stalled it is tried again, HTTP_TRIES_MAX times in all, as
 * long as no byte of an answer went to write_body; the session's `note` is told of each wait.
 * Retry-After is obeyed (seconds or date, at most HTTP_RETRY_AFTER_MAX_MS). ERR_OK for any other
 * status, and for one of these that stays; ret->attempts says how often it was asked. UNAUTHENTICATED:
 * 401 after a new token, or a challenge that must not be answered (the text says which); DENIED: 403,
 * where the token says which action it does not grant (else the status is the caller's); the kinds of
 * http_client_do, CANCELLED among them.
 * source: distribution "Token Authentication Specification"; RFC 9110 sections 10.2.3, 11
 */
enum err_kind oci_transport_send(
    struct oci_transport *t,
    const struct oci_request *request,
    struct http_client_response *ret,
    struct err *err) MUST_USE;

/* How this session waits between tries, for callers with is_single_try. Borrowed. */
const struct http_retry *oci_transport_retry(const struct oci_transport *t);

/* Where a blob lies that the registry redirects to is asked without credentials: see registry.c.
 * "https://host" or "http://host" as settled for that host; "https" before anything was asked. */
const char *oci_transport_scheme(struct oci_transport *t, const char *host);

/*
 * May a token be asked for at this realm (hardening: no server-side request forgery)? Same host as
 * the registry: any scheme that the registry itself is reached by. Elsewhere: https, and not a
 * loopback, private or link-local address. DENIED names realm and rule.
 */
enum err_kind oci_realm_check(
    const char *realm, const char *registry_host, bool is_registry_plain, struct err *err) MUST_USE;
/* The nearest that the realm's name may resolve to, when the registry was found at `registry`; UNKNOWN:
 * anywhere. For http_client_request.nearest. */
enum http_nearness
oci_realm_nearest(const char *realm, const char *registry_host, enum http_nearness registry);
/* Is that host[:port] the machine itself: localhost, 127.0.0.0/8, [::1]? */
bool oci_host_is_loopback(const char *host);
