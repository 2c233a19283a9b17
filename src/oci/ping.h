/*
 * Is a registry usable from here, and if not, which step fails? For people who look for the reason; the
 * ways out (flags) are the command line's to name.
 */
#pragma once

#include "oci/image.h"

enum oci_ping_step {
    OCI_PING_NAME,      /* the host's name resolves */
    OCI_PING_CONNECT,   /* somebody listens */
    OCI_PING_TLS,       /* and is who he says */
    OCI_PING_API,       /* GET /v2/ is answered as a registry does */
    OCI_PING_CHALLENGE, /* it asks for something that can be answered */
    OCI_PING_TOKEN,     /* credentials are taken, or none are needed */
    OCI_PING_PULL,      /* of the repository */
    OCI_PING_PUSH,
    OCI_PING_STEPS
};
enum oci_ping_state { OCI_PING_SKIPPED, OCI_PING_OK, OCI_PING_FAILED };

struct oci_ping_result {
    enum oci_ping_state state;
    enum err_kind kind;      /* of a failed step */
    char text[ERR_TEXT_MAX]; /* what was seen, or why it failed */
};
struct oci_ping {
    struct oci_ping_result steps[OCI_PING_STEPS];
    bool is_plain;   /* spoken to without TLS */
    bool is_not_tls; /* the TLS step failed because it speaks none */
    bool has_user;   /* credentials for the host were found */
};
const char *oci_ping_step_name(enum oci_ping_step step); /* "name", "connect", "tls", … */

/*
 * Walk the steps; after a failed one the others are skipped, but for push after pull. `repository` NULL:
 * pull and push are skipped. The push step begins an upload and gives it up at once. What fails is
 * told in ret, not by the kind that is returned: that is the first failed step's, with its text in
 * err, ERR_OK when there is none.
 */
enum err_kind oci_ping(
    const struct oci_session_options *options,
    const char *host,
    const char *repository,
    struct oci_ping *ret,
    struct err *err) MUST_USE;
