/*
 * What a schema asks for, in one line: an image may carry hundreds of lines of it.
 */
#pragma once

#include "json/json.h"

/* Append "spec: key*, name*, description": the members that a resource has beside its envelope, those of its
 * spec where it has one; "*" marks what must be there. Without members what is known: "any object". Text of
 * others, to be made safe by whoever prints it. */
void cli_schema_summary(struct buf *to, yyjson_val *schema);
