/*
 * Texts that a forge, or anybody who writes there, made up: cut and cleaned before they go anywhere. And
 * the other way round: names as parts of a URL.
 */
#pragma once

#include "base/buf.h"

/* First line of `text`, at most max_bytes of it (then with "…"), nothing that a terminal or a log acts upon.
 * The caller's to free. */
char *scm_one_line(struct str text, size_t max_bytes);
/* All of it, at most max_bytes (then with "…"), no carriage returns. The caller's to free. */
char *scm_body(struct str text, size_t max_bytes);
/* All but letters, digits and -._~ as %XX (RFC 3986 section 2.1); `keep` ('/', or 0) stays, too. */
void scm_percent(struct buf *to, struct str text, char keep);
/* "2026-11-25T12:00:00.000+01:00" (RFC 3339) in Unix seconds; 0 where it is none. */
int64_t scm_time(struct str text);
