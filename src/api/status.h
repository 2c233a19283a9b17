/* Errors as Kubernetes Status objects, with the right HTTP code. */
#pragma once

#include "base/err.h"
#include "http/message.h"

/* Answer with this error; details name what the request was about. */
void status_write(struct http_response *p, const struct http_request *q, const struct err *err);
/* The same under another HTTP code and reason than the kind's own (412, 415). */
void status_write_as(
    struct http_response *p,
    const struct http_request *q,
    int code,
    const char *reason,
    const struct err *err);
/* An error that the HTTP server itself found. */
void status_write_http(void *context, struct http_response *p, int code, const char *message);
