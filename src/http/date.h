/* Dates in header fields (RFC 9110, section 5.6.7): all three forms that a recipient has to take. */
#pragma once

#include "base/str.h"

/* False: none of the three. A two-digit year is within 50 years of `now_unix_s`. */
bool http_date_parse(struct str text, int64_t now_unix_s, int64_t *ret_unix_s);
