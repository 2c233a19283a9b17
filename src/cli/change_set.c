#include "cli/change_set.h"
#include "base/mem.h"
#include "cli/run.h"
#include "cli/server.h"
#include "json/json.h"

#define CHANGES_PATH "/apis/cup.flipt.io/v1alpha1/changes"
#define BODY_MAX ((size_t)256 << 20)

static enum err_kind write_body(
    const struct cli_documents *documents,
    const struct cli_named *named,
    bool is_delete,
    struct buf *to,
    struct err *err)
{
    buf_text(to, "{\"changes\":[");
    for (size_t i = 0; i < documents->count; i++) {
        buf_printf(
            to, "%s{\"op\":\"%s\",\"namespace\":", i > 0 ? "," : "", is_delete ? "delete" : "put");
        json_text_string(to, str_from(named[i].ns));
        buf_text(to, ",\"object\":");
        buf_text(to, documents->items[i].text);
        buf_char(to, '}');
    }
    buf_text(to, "]}");
    return buf_check(to, "the change", err);
}

/* The server counts; people have files. */
static void hint_which(struct cli *c, const struct cli_documents *documents, const struct err *err)
{
    static const char mark[] = "changes[";
    ptrdiff_t at = str_search(str_from(err->text), STR("changes["));
    uint64_t index;
    if (at < 0)
        return;
    struct str rest = str_from(err->text + at + strlen(mark));
    if (str_to_u64(str_cut(&rest, ']'), &index) && index < documents->count)
        cli_hint(
            c, "changes[%zu] is %s; nothing was changed", (size_t)index,
            documents->items[index].where);
}

enum err_kind cli_change_set(
    struct cli *c,
    const struct cli_documents *documents,
    const struct cli_named *named,
    bool is_delete,
    const struct cli_write *write,
    struct cli_results *results,
    struct err *err)
{
    autofree char *what =
        mem_printf("%s %zu objects", is_delete ? "deleting" : "applying", documents->count);
    autobuf struct buf path = {0};
    autobuf struct buf body = {.max = BODY_MAX};
    autobuf struct buf answer = {0};
    int status = 0;
    enum err_kind r = write_body(documents, named, is_delete, &body, err);
    if (r != ERR_OK)
        return r;
    buf_text(&path, CHANGES_PATH);
    cli_object_write_query(c, write, &path);
    struct cli_request request = {
        .method = "POST", .path = path.p, .body = buf_view(&body), .what = what};
    r = cli_server_call(c, &request, &answer, &status, err);
    if (r != ERR_OK)
        hint_which(c, documents, err);
    else if (status == 204)
        cli_debug(c, "%s: nothing to change", what);
    else
        r = cli_results_take(c, buf_view(&answer), results, err);
    return r;
}
