/* The two log lines of each request, in upstream's form. For struct http_server_options. */
#pragma once

#include "http/message.h"

void request_log_start(void *context, const struct http_request *q);
void request_log_end(
    void *context,
    const struct http_request *q,
    bool is_started,
    int status,
    size_t bytes,
    int64_t elapsed_us);
