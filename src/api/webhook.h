/*
 * Push events of forges: a signed request makes cupd look at its branch at once, instead of when the
 * poll interval is over. It carries nothing else into cupd: what was pushed is fetched. Closed (403)
 * unless a secret is set.
 */
#pragma once

#include "http/message.h"

/* For http_server_options.judge: what the head tells is answered before the body is read: no secret set,
 * no signature, one that cannot be right, a body that is not JSON. */
void webhook_judge(void *context, const struct http_request *q, struct http_response *p);
/* The handler. 202: cupd looks; 200: an event that does not concern it; 401; 400: no JSON. */
void webhook_receive(void *context, const struct http_request *q, struct http_response *p);
