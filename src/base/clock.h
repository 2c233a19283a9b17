/*
 * Time as numbers with their unit in the name. Deadlines are monotonic, so that a changed wall
 * clock neither ends nor prolongs them.
 */
#pragma once

#include "base/defs.h"

int64_t clock_unix_ms(void);      /* wall clock */
int64_t clock_monotonic_ms(void); /* for deadlines and durations */
int64_t clock_monotonic_us(void);
int64_t clock_monotonic_ns(void);

/* RFC 3339 in UTC with seconds, "2022-01-01T00:00:00Z", and a NUL. */
#define CLOCK_RFC3339_BYTES 21
void clock_rfc3339(int64_t unix_s, char ret_text[CLOCK_RFC3339_BYTES]);
