/*
 * Sizes and durations as people write them: "256MiB", "10s", "5m", "1h30m".
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* B, KiB/Ki/K, MiB/Mi/M, GiB/Gi/G (all binary), or plain bytes; MALFORMED else. */
enum err_kind units_parse_size(struct str text, uint64_t *ret_bytes, struct err *err) MUST_USE;
/* A run of <number><ms|s|m|h>, decimals allowed ("1.5s"), or "0"; MALFORMED else. */
enum err_kind units_parse_duration(struct str text, int64_t *ret_ms, struct err *err) MUST_USE;
/* "7.2 KiB" for people; into `ret` of at least 16 bytes. */
void units_format_size(uint64_t bytes, char *ret, size_t ret_bytes);
