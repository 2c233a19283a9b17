#include "core/proposal_text.h"

#include "base/mem.h"
#include "core/gotemplate.h"
#include "scm/scm.h"
#include "scm/text.h"

#include <stdio.h>

#define TITLE_BYTES_MAX 200
#define BODY_BYTES_MAX 60000 /* GitHub takes 65,536 characters */
#define OBJECTS_SHOWN 200

enum {
    VERB,
    GROUP,
    VERSION,
    KIND,
    NAMESPACE,
    NAME,
    OBJECT,
    OBJECTS,
    COUNT,
    REQUESTER,
    MESSAGE,
    ID,
    BRANCH,
    TARGET,
    MEMBERS
};
/* docs/proposals.md tells what they are. Group to Object are of the first object. */
static const char *const members[MEMBERS + 1] = {
    [VERB] = "Verb",           [GROUP] = "Group",         [VERSION] = "Version",
    [KIND] = "Kind",           [NAMESPACE] = "Namespace", [NAME] = "Name",
    [OBJECT] = "Object",       [OBJECTS] = "Objects",     [COUNT] = "Count",
    [REQUESTER] = "Requester", [MESSAGE] = "Message",     [ID] = "Id",
    [BRANCH] = "Branch",       [TARGET] = "Target",
};

static const char title_default[] = "{{ .Message }}";
static const char body_default[] = "{{ .Objects }}";

struct core_proposal_text {
    struct core_gotemplate *title;
    struct core_gotemplate *body;
    char **labels;
    size_t label_count;
    size_t label_cap;
    bool is_draft;
};

static enum err_kind parse(
    const char *label,
    const char *text,
    const char *by_default,
    struct core_gotemplate **ret,
    struct err *err)
{
    bool is_given = text != NULL && text[0] != '\0';
    return core_gotemplate_new(label, str_from(is_given ? text : by_default), members, ret, err);
}

enum err_kind core_proposal_text_new(
    const struct core_proposal_text_options *options,
    struct core_proposal_text **ret,
    struct err *err)
{
    struct core_proposal_text *t = mem_new(struct core_proposal_text);
    t->is_draft = options->is_draft;
    for (size_t i = 0; options->labels != NULL && options->labels[i] != NULL; i++) {
        mem_grow(&t->labels, t->label_count, &t->label_cap);
        t->labels[t->label_count++] = mem_strdup(options->labels[i]);
    }
    mem_grow(&t->labels, t->label_count, &t->label_cap);
    t->labels[t->label_count] = NULL;
    enum err_kind r = parse("-api-proposal-title", options->title, title_default, &t->title, err);
    if (r == ERR_OK)
        r = parse("-api-proposal-body", options->body, body_default, &t->body, err);
    if (r == ERR_OK)
        *ret = t;
    else
        core_proposal_text_free(t);
    return r;
}

struct core_proposal_text *core_proposal_text_free(struct core_proposal_text *t)
{
    if (t == NULL)
        return NULL;
    core_gotemplate_free(t->title);
    core_gotemplate_free(t->body);
    for (size_t i = 0; i < t->label_count; i++)
        free(t->labels[i]);
    free(t->labels);
    free(t);
    return NULL;
}

bool core_proposal_text_needs_verb(const struct core_proposal_text *t)
{
    return core_gotemplate_mentions(t->title, VERB) + core_gotemplate_mentions(t->body, VERB) > 0;
}

/* --- made harmless ---------------------------------------------------------------------------------- */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
        (unsigned char)c >= 0x80;
}

/* Forges link @name, #7, !7, ~label, %milestone, $snippet and &epic wherever they stand, escaped or not: a
 * zero-width space (U+200B) behind the sign keeps them from that, and people see no difference. */
static bool is_reference(struct str text, size_t at)
{
    return strchr("@#!~%$&", text.p[at]) != NULL && at + 1 < text.n && is_word(text.p[at + 1]);
}

/* One line: no quick action ("/close") can begin in the middle of it, and none at its start. */
static void add_harmless(struct buf *to, struct str text, bool is_markdown)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool is_special =
            strchr("\\`*_[]<>|#~", c) != NULL || (i == 0 && strchr("/-+=.", c) != NULL);
        if (c < 0x20 || c == 0x7f) {
            buf_char(to, ' ');
            continue;
        }
        if (is_markdown && is_special)
            buf_char(to, '\\');
        buf_char(to, (char)c);
        if (is_reference(text, i))
            buf_text(to, "\xe2\x80\x8b");
    }
}

/* --- rendering -------------------------------------------------------------------------------------- */

static void add_object(struct buf *to, const struct core_object_id *o, bool is_markdown)
{
    autobuf struct buf text = {0};
    buf_printf(
        &text, STR_FMT " " STR_FMT "/" STR_FMT, STR_ARG(o->kind), STR_ARG(o->ns), STR_ARG(o->name));
    add_harmless(to, buf_view(&text), is_markdown);
}

/* In a title one behind the other, in Markdown a list. */
static void add_objects(struct buf *to, const struct core_objects *all, bool is_markdown)
{
    size_t shown = all->count > OBJECTS_SHOWN ? OBJECTS_SHOWN : all->count;
    for (size_t i = 0; i < shown; i++) {
        buf_text(to, is_markdown ? "- " : i == 0 ? "" : ", ");
        add_object(to, &all->items[i], is_markdown);
        buf_text(to, is_markdown ? "\n" : "");
    }
    if (all->count > shown || all->is_cut)
        buf_text(to, is_markdown ? "- and more\n" : " and more");
}

static struct str first_line(const char *text)
{
    struct str rest = str_trim(str_from(text));
    return str_trim(str_cut(&rest, '\n'));
}

static void fill(struct buf values[MEMBERS], const struct core_proposal_facts *f, bool is_markdown)
{
    static const struct core_object_id none = {0};
    const struct core_object_id *o = f->objects->count > 0 ? &f->objects->items[0] : &none;
    const struct {
        int member;
        struct str text;
    } plain[] = {
        {VERB, str_from(f->verb)},
        {GROUP, o->group},
        {VERSION, o->version},
        {KIND, o->kind},
        {NAMESPACE, o->ns},
        {NAME, o->name},
        {REQUESTER, str_from(f->requester)},
        {MESSAGE, first_line(f->message)},
        {ID, str_from(f->id)},
        {TARGET, str_from(f->target)},
    };
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        add_harmless(&values[plain[i].member], plain[i].text, is_markdown);
    if (f->objects->count > 0)
        add_object(&values[OBJECT], o, is_markdown);
    add_objects(&values[OBJECTS], f->objects, is_markdown);
    buf_printf(&values[COUNT], "%zu", f->objects->count);
    buf_printf(&values[BRANCH], SCM_BRANCH_PREFIX "%s", f->id);
}

static enum err_kind render(
    const struct core_gotemplate *t,
    const struct core_proposal_facts *facts,
    bool is_markdown,
    struct buf *to,
    struct err *err)
{
    struct buf values[MEMBERS] = {{0}};
    struct str views[MEMBERS];
    fill(values, facts, is_markdown);
    for (size_t i = 0; i < MEMBERS; i++)
        views[i] = buf_view(&values[i]);
    enum err_kind r = core_gotemplate_render(t, views, to, err);
    for (size_t i = 0; i < MEMBERS; i++)
        buf_deinit(&values[i]);
    return r;
}

enum err_kind core_proposal_text_render(
    const struct core_proposal_text *t,
    const struct core_proposal_facts *facts,
    struct core_proposal_said *ret,
    struct err *err)
{
    autobuf struct buf title = {0};
    autobuf struct buf body = {0};
    enum err_kind r = render(t->title, facts, false, &title, err);
    if (r == ERR_OK)
        r = render(t->body, facts, true, &body, err);
    if (r != ERR_OK)
        return r;
    *ret = (struct core_proposal_said){
        .title = scm_one_line(buf_view(&title), TITLE_BYTES_MAX),
        .body = scm_body(buf_view(&body), BODY_BYTES_MAX),
        .labels = (const char *const *)t->labels,
        .is_draft = t->is_draft,
    };
    return ERR_OK;
}

void core_proposal_said_deinit(struct core_proposal_said *s)
{
    free(s->title);
    free(s->body);
}
