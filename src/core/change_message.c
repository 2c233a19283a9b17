/*
 * A change in words: title, message, trailers. Nobody can forge a trailer: they stand in a last paragraph
 * of their own, each on one line of parts that passed their grammar.
 */
#include "base/mem.h"
#include "core/change.h"

static const size_t MESSAGE_MAX = 4096;

static char *title_of_edit(const struct core_edit *e)
{
    const struct core_kind *k = &e->served->kind;
    return mem_printf(
        "feat: %s %s/%s/%s " STR_FMT "/" STR_FMT, e->is_delete ? "delete" : "update", k->group,
        k->version, e->is_delete ? k->plural : k->kind, STR_ARG(e->ns), STR_ARG(e->name));
}

static const char *objects_word(size_t count)
{
    return count == 1 ? "object" : "objects";
}

char *core_change_title(const struct core_change *change)
{
    size_t deletes = 0;
    if (change->count == 1)
        return title_of_edit(&change->edits[0]);
    for (size_t i = 0; i < change->count; i++)
        deletes += change->edits[i].is_delete;
    size_t puts = change->count - deletes;
    if (deletes == 0 || puts == 0)
        return mem_printf(
            "feat: %s %zu objects", deletes == 0 ? "update" : "delete", change->count);
    return mem_printf(
        "feat: update %zu %s, delete %zu %s", puts, objects_word(puts), deletes,
        objects_word(deletes));
}

enum err_kind core_change_message_check(struct str message, struct err *err)
{
    struct str rest = str_trim(message);
    if (message.n > MESSAGE_MAX)
        return err_set(err, ERR_INVALID, "the message is longer than %zu bytes", MESSAGE_MAX);
    if (!str_is_utf8(message))
        return err_set(err, ERR_INVALID, "the message is not UTF-8");
    for (size_t i = 0; i < message.n; i++) {
        unsigned char c = (unsigned char)message.p[i];
        bool is_c1 = c == 0xC2 && i + 1 < message.n && (unsigned char)message.p[i + 1] < 0xA0;
        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f || is_c1)
            return err_set(err, ERR_INVALID, "the message holds a control character");
    }
    return rest.n > 0 ? ERR_OK : err_set(err, ERR_INVALID, "the message is empty");
}

/* Lines without blanks at their end, so that none of them ends a paragraph unseen. */
static void write_text(struct buf *to, struct str text)
{
    for (struct str rest = str_trim(text); rest.p != NULL;) {
        struct str line = str_cut(&rest, '\n');
        while (line.n > 0 && strchr(" \t\r", line.p[line.n - 1]) != NULL)
            line.n--;
        for (size_t i = 0; i < line.n; i++)
            buf_char(to, line.p[i] == '\r' ? ' ' : line.p[i]);
        buf_char(to, '\n');
    }
}

/* Each controller once. */
static void write_controllers(struct buf *to, const struct core_change *change)
{
    for (size_t i = 0; i < change->count; i++) {
        const struct core_controller *c = change->edits[i].served->controller;
        bool is_known = false;
        for (size_t k = 0; k < i && !is_known; k++)
            is_known = change->edits[k].served->controller == c;
        if (is_known)
            continue;
        buf_printf(to, "Cup-Controller: %s", c->name);
        if (c->module_digest != NULL)
            buf_printf(to, "@%s", c->module_digest);
        buf_char(to, '\n');
    }
}

char *core_change_commit_message(const struct core_change *change, const char *request)
{
    autobuf struct buf b = {0};
    struct str requester = change->options->requester;
    write_text(&b, str_from(change->message));
    buf_char(&b, '\n');
    for (size_t i = 0; i < change->objects.count; i++)
        buf_printf(&b, CORE_OBJECT_TRAILER ": %s\n", change->objects.items[i].text);
    write_controllers(&b, change);
    if (request[0] != '\0')
        buf_printf(&b, "Cup-Request: %s\n", request);
    if (requester.n > 0)
        buf_printf(&b, "Cup-Requester: " STR_FMT "\n", STR_ARG(requester));
    return buf_steal(&b);
}

void core_change_result(
    struct core_result *ret, const char *id, const char *source, const char *url)
{
    buf_printf(&ret->body, "{\"id\":\"%s\",\"empty\":false,\"proposal\":", id);
    if (url == NULL) {
        buf_text(&ret->body, "null}\n");
        return;
    }
    buf_printf(&ret->body, "{\"source\":\"%s\",\"url\":", source);
    json_text_string(&ret->body, str_from(url));
    buf_text(&ret->body, "}}\n");
}
