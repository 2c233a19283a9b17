/*
 * JSON as cup needs it: strict parsing with limits over yyjson (numbers stay as they were written),
 * and text functions that keep a document's own tokens: key order, number spelling, escapes.
 * Schema validation is json/schema.h.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <yyjson.h>

#define JSON_DEPTH_MAX 1000

/* Of what clients send: exactly one document, duplicate keys refused at any depth, depth bounded,
 * valid UTF-8, no byte-order mark. Of what is stored (JSON_STORED): the first document counts, what
 * follows is ignored, of duplicate keys the last one counts (json_get finds it). */
enum json_mode { JSON_STRICT, JSON_STORED };

struct json_doc {
    yyjson_doc *doc;
    yyjson_val *root;
    struct str
        text; /* of the document itself, within the caller's bytes: without blanks around it */
};

/*
 * Parse text, which must outlive ret. MALFORMED (names line and column, or the duplicate key),
 * LIMIT (depth).
 */
enum err_kind
json_parse(struct str text, enum json_mode mode, struct json_doc *ret, struct err *err) MUST_USE;
void json_doc_deinit(struct json_doc *doc);
static inline void json_doc_cleanup(struct json_doc *doc)
{
    json_doc_deinit(doc);
}
#define auto_json CLEANUP(json_doc_cleanup)

/* Parse the next of several concatenated documents (any or no blanks between): *rest moves behind
 * it. ret->doc is NULL at the end of the text. Mode as JSON_STORED. */
enum err_kind json_parse_next(struct str *rest, struct json_doc *ret, struct err *err) MUST_USE;

/* Member of an object: exact key, the last one of duplicates; NULL when absent or obj is no object. */
yyjson_val *json_get(yyjson_val *obj, const char *key);
/* The same, letters compared without regard to case, as Go's decoder reads stored resources. */
yyjson_val *json_get_nocase(yyjson_val *obj, const char *key);
struct str json_str(yyjson_val *val); /* of a string, else {NULL, 0} */

/* --- text: on documents that json_parse accepted ------------------------------------------------ */

/*
 * The text of member `key` (of the last one; nocase as above) of the object at the top of `object`,
 * with its own tokens, no blanks around it. {NULL, 0} when absent.
 */
struct str json_text_member(struct str object, struct str key, bool is_nocase);

/* The text of the next element of an array: *at is 0 before the first. {NULL, 0} behind the last. */
struct str json_text_element(struct str array, size_t *at);

/*
 * Write `value` anew with its own tokens: only blanks change, and < > & U+2028 U+2029 inside strings
 * become \u003c … as Go writes them.
 *
 * indent   0: compact; else blanks per level, first line not indented, {} and [] on one line
 * level    depth at which it stands in what surrounds it (for indent)
 */
void json_text_write(struct buf *to, struct str value, unsigned indent, unsigned level);
/* A string literal with quotes as Go's encoder writes it (bad UTF-8 becomes U+FFFD). */
void json_text_string(struct buf *to, struct str value);
/* Append one more member of an object, with the comma before it: `,"name":"value"`; value NULL: null. */
void json_text_add_member(struct buf *to, const char *name, const char *value);

/* Compact, keys sorted bytewise at each level, numbers as spelled: what hashes and ETags are made of. */
void json_text_canonical(struct buf *to, yyjson_val *val);
