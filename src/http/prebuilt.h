/*
 * Answers that are asked for again and again, as the library sends them: made once for bytes that
 * somebody keeps (the result cache), shared by all connections. Inside http/ only.
 */
#pragma once

#include "http/exchange.h"

struct http_prebuilt; /* any thread */

struct http_prebuilt *http_prebuilt_new(void);
struct http_prebuilt *http_prebuilt_free(struct http_prebuilt *b); /* after the last connection */

/*
 * Queue the answer of x from what is kept, or keep it now. false: it is not of this kind (an error, own
 * headers, large), nothing was done. *ret_result is what the library says.
 */
bool http_prebuilt_answer(
    struct http_prebuilt *b, struct http_exchange *x, enum MHD_Result *ret_result);
