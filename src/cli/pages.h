/*
 * Lists that the server answers page by page ({"items":[…],"metadata":{"continue":…}}), as one list.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "json/json.h"

struct cli;

struct cli_pages {
    const char *path; /* of the first page, with its query */
    const char *what; /* for errors: "listing the proposals" */
    size_t most;      /* items; 0: all there are */
};
struct cli_list_items {
    struct buf text; /* {"items":[…]}: owns what the views show */
    struct json_doc doc;
    yyjson_val **items;
    size_t count;
};
void cli_list_items_deinit(struct cli_list_items *list);
#define auto_items CLEANUP(cli_list_items_deinit)

/* Get page after page until there are enough, or no more. */
enum err_kind cli_pages_fetch(
    struct cli *c,
    const struct cli_pages *pages,
    struct cli_list_items *ret,
    struct err *err) MUST_USE;
/* "20" as a user gives it; NULL: 0. USAGE. */
enum err_kind cli_pages_limit(const char *text, size_t *ret, struct err *err) MUST_USE;
