/* Standard base64 (RFC 4648, section 4), as docker's config.json and Basic credentials use it. */
#pragma once

#include "base/buf.h"

void base64_encode(struct buf *to, struct str bytes);
/* False: not base64. Blanks are not skipped; padding may be left out. */
bool base64_decode(struct buf *to, struct str text);
