/* Routes that change objects: what a request asks for in headers and query, and the answer. */
#pragma once

#include "core/core.h"
#include "http/router.h"

/* What a path names. */
struct core_target api_target(const struct http_request *q);

/* context: struct core */
void api_put_object(void *context, const struct http_request *q, struct http_response *p);
void api_delete_object(void *context, const struct http_request *q, struct http_response *p);
void api_change_set(void *context, const struct http_request *q, struct http_response *p);
