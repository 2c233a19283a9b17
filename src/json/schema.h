/*
 * JSON Schema validation over the engine's Rust crate. Drafts 4, 6, 7, 2019-09, 2020-12 by
 * `$schema` (2020-12 without one); `format` asserts; patterns run in linear time; no remote `$ref`.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

/* Documents and schemas nested deeper are LIMIT: the crate's JSON reader goes no further. */
#define JSON_SCHEMA_DEPTH_MAX 127

struct json_schema;

/* Compile a schema's text. INVALID says why and where; LIMIT. Release with json_schema_free. */
enum err_kind
json_schema_compile(struct str schema, struct json_schema **ret, struct err *err) MUST_USE;
struct json_schema *json_schema_free(struct json_schema *s);
/*
 * Check a JSON document. INVALID with err->causes filled ([{"field":"spec.size","message":…}], at
 * most 20) and a text that names the first, without control characters. LIMIT; MALFORMED: not JSON.
 * Any thread, side by side.
 */
enum err_kind
json_schema_validate(const struct json_schema *s, struct str document, struct err *err) MUST_USE;
