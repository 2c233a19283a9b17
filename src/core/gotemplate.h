/*
 * Path templates in Go's text/template language, as far as paths need it: members, pipelines, the
 * functions listed in gotemplate_functions.c, if / else / with, variables, comments, trim markers.
 * All members are strings. What a template cannot do here (loops, sub-templates, server objects) is
 * refused when it is parsed, so that a rendering fails only over values (a slice past the end).
 * Not a general template engine.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define CORE_GOTEMPLATE_MAX 16384        /* bytes of a template */
#define CORE_GOTEMPLATE_STRING_MAX 65536 /* bytes of any string that a rendering makes */

struct core_gotemplate;

/*
 * Parse and check.
 *
 * label    how errors call it: "resource_template"
 * members  names a template may use, NULL-terminated, without leading dot: "Name", "Request.Name";
 *          must outlive the template
 * fails    INVALID  label, line, column, what is wrong and the way out
 * source   Go's package text/template, lexer and parser of Go 1.21
 */
enum err_kind core_gotemplate_new(
    const char *label,
    struct str text,
    const char *const *members,
    struct core_gotemplate **ret,
    struct err *err) MUST_USE;
struct core_gotemplate *core_gotemplate_free(struct core_gotemplate *t);

/* How often the template names member number `member`, whether a rendering comes by it or not. */
unsigned core_gotemplate_mentions(const struct core_gotemplate *t, size_t member);

/*
 * Append the result to `to`. `values` holds one string for each of the members, in their order.
 * INVALID: a value does not fit (bounds of index and slice, a string too long). Any thread.
 */
enum err_kind core_gotemplate_render(
    const struct core_gotemplate *t,
    const struct str *values,
    struct buf *to,
    struct err *err) MUST_USE;
