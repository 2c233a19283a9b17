/* cupd's routes: one table row each. The context of every handler is a struct core. */
#pragma once

#include "http/server.h"

extern const struct http_route api_routes[];
extern const size_t api_route_count;
/* For http_server_options.judge. */
void api_judge(
    void *context,
    const struct http_route *route,
    const struct http_request *q,
    struct http_response *p);
