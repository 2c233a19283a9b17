#include "cli/pages.h"
#include "base/mem.h"
#include "cli/run.h"
#include "cli/server.h"

#include <stdio.h>

/* More is asked for in several pages, as large as the server likes: it has its own maximum. */
#define LIMIT_ASKED 200u

void cli_list_items_deinit(struct cli_list_items *list)
{
    json_doc_deinit(&list->doc);
    buf_deinit(&list->text);
    free(list->items);
    *list = (struct cli_list_items){0};
}

enum err_kind cli_pages_limit(const char *text, size_t *ret, struct err *err)
{
    uint64_t number = 0;
    if (text != NULL && (!str_to_u64(str_from(text), &number) || number == 0 || number > SIZE_MAX))
        return err_set(err, ERR_USAGE, "'--limit %s' is not a number from 1 on", text);
    *ret = (size_t)number;
    return ERR_OK;
}

/* The items of a page behind those that are there; ret_next is empty at the end. */
static enum err_kind
take_page(struct str body, struct buf *items, size_t *count, char **ret_next, struct err *err)
{
    auto_json struct json_doc doc = {0};
    enum err_kind r = json_parse(body, JSON_STORED, &doc, err);
    if (r != ERR_OK)
        return err_wrap(err, "the server's answer");
    yyjson_val *list = json_get(doc.root, "items");
    struct str text = json_text_member(doc.text, STR("items"), false);
    if (!yyjson_is_arr(list) || text.n < 2)
        return err_set(err, ERR_MALFORMED, "the server's answer is not a list");
    size_t n = yyjson_arr_size(list);
    if (*count > 0 && n > 0)
        buf_char(items, ',');
    if (n > 0)
        buf_add(items, text.p + 1, text.n - 2);
    *count += n;
    *ret_next = mem_strdup_str(json_str(json_get(json_get(doc.root, "metadata"), "continue")));
    return buf_check(items, "the list", err);
}

static enum err_kind fetch_page(
    struct cli *c,
    const struct cli_pages *pages,
    const char *token,
    size_t limit,
    struct buf *ret,
    struct err *err)
{
    autobuf struct buf path = {0};
    char number[32];
    snprintf(number, sizeof(number), "%zu", limit);
    buf_text(&path, pages->path);
    cli_path_query(&path, "limit", limit > 0 && limit <= LIMIT_ASKED ? number : NULL);
    cli_path_query(&path, "continue", token);
    struct cli_request request = {.method = "GET", .path = path.p, .what = pages->what};
    return cli_server_call(c, &request, ret, NULL, err);
}

static enum err_kind index_items(struct cli_list_items *list, struct err *err)
{
    enum err_kind r = json_parse(buf_view(&list->text), JSON_STORED, &list->doc, err);
    if (r != ERR_OK)
        return r;
    yyjson_arr_iter at;
    yyjson_arr_iter_init(json_get(list->doc.root, "items"), &at);
    list->items = mem_alloc((list->count + 1) * sizeof(yyjson_val *));
    for (size_t i = 0; i < list->count; i++)
        list->items[i] = yyjson_arr_iter_next(&at);
    return ERR_OK;
}

enum err_kind cli_pages_fetch(
    struct cli *c, const struct cli_pages *pages, struct cli_list_items *ret, struct err *err)
{
    enum err_kind r = ERR_OK;
    autofree char *token = NULL;
    buf_text(&ret->text, "{\"items\":[");
    do {
        autobuf struct buf body = {0};
        size_t wanted = pages->most == 0 ? 0 : pages->most - ret->count;
        char *next = NULL;
        r = fetch_page(c, pages, token, wanted, &body, err);
        if (r == ERR_OK)
            r = take_page(buf_view(&body), &ret->text, &ret->count, &next, err);
        free(token);
        token = next;
    } while (r == ERR_OK && token != NULL && token[0] != '\0' &&
             (pages->most == 0 || ret->count < pages->most));
    buf_text(&ret->text, "]}");
    return r == ERR_OK ? index_items(ret, err) : r;
}
