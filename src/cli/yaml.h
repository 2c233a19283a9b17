/*
 * JSON as YAML for people, and YAML input as JSON. Numbers keep their spelling in both directions.
 * Not for files of a repository: their YAML is the business of controllers.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Append a JSON document as block-style YAML (1.2 core schema; strings that another reader of YAML
 * 1.1 could take for something else are quoted). MALFORMED, LIMIT as json_parse. */
enum err_kind cli_yaml_write(struct buf *to, struct str json, struct err *err) MUST_USE;

/*
 * Append each document of a YAML stream as JSON and a newline: scalars by the 1.2 core schema; empty
 * documents are left out. MALFORMED (names the line) for tags, anchors, aliases, keys that are no
 * scalar, numbers that JSON cannot spell; LIMIT for nesting. Duplicate keys stay, for the strict JSON
 * parser to refuse.
 */
enum err_kind cli_yaml_read(struct str yaml, struct buf *to, struct err *err) MUST_USE;
