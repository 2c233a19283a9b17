/* Running a parsed template: values, pipelines, branches; and the trial run at the start. */
#include "core/gotemplate.h"
#include "base/mem.h"
#include "core/gotemplate_internal.h"

static enum err_kind
run_pipeline(struct run *run, const struct pipeline *pipe, struct value *ret, struct err *err);

static enum err_kind
run_operand(struct run *run, const struct operand *o, struct value *ret, struct err *err)
{
    switch (o->kind) {
    case OPERAND_LITERAL:
        *ret = o->literal;
        return ERR_OK;
    case OPERAND_MEMBER:
        *ret = (struct value){.kind = VALUE_STRING, .text = run->values[o->index]};
        return ERR_OK;
    case OPERAND_DOT:
        *ret = run->dot;
        return ERR_OK;
    case OPERAND_VARIABLE:
        *ret = run->variables[o->index];
        return ERR_OK;
    case OPERAND_PIPE:
    default:
        return run_pipeline(run, o->pipe, ret, err);
    }
}

static enum err_kind where(const struct run *run, const struct command *c, struct err *err)
{
    struct err why = *err;
    struct lexer l = {.label = run->t->label, .input = str_of(run->t->text, run->t->text_bytes)};
    return gotemplate_error(&l, c->at, err, "%s: %.300s", c->function->name, why.text);
}

/* The first argument that decides, as Go does it: later ones are not looked at. */
static enum err_kind run_and_or(
    struct run *run,
    const struct command *c,
    const struct value *piped,
    struct value *ret,
    struct err *err)
{
    bool stops_at = str_eqz(str_from(c->function->name), "or");
    for (size_t i = 0; i < c->operand_count; i++) {
        enum err_kind r = run_operand(run, &c->operands[i], ret, err);
        if (r != ERR_OK || (gotemplate_truth(ret) == stops_at && !run->is_trial))
            return r;
    }
    if (piped != NULL)
        *ret = *piped;
    return ERR_OK;
}

static enum err_kind run_command(
    struct run *run,
    const struct command *c,
    const struct value *piped,
    struct value *ret,
    struct err *err)
{
    struct value args[GOTEMPLATE_ARGS_MAX];
    size_t count = 0;
    enum err_kind r = ERR_OK;
    if (c->function == NULL)
        return run_operand(run, &c->operands[0], ret, err);
    if (c->function->call == NULL)
        return run_and_or(run, c, piped, ret, err);
    while (r == ERR_OK && count < c->operand_count) {
        r = run_operand(run, &c->operands[count], &args[count], err);
        count++;
    }
    if (r != ERR_OK)
        return r;
    if (piped != NULL)
        args[count++] = *piped;
    struct err why = {0};
    r = c->function->call(run, args, count, ret, &why);
    if (r != ERR_OK && err != NULL) {
        *err = why;
        r = where(run, c, err);
    }
    return r;
}

static enum err_kind
run_pipeline(struct run *run, const struct pipeline *pipe, struct value *ret, struct err *err)
{
    struct value piped;
    enum err_kind r = ERR_OK;
    for (const struct command *c = pipe->first; r == ERR_OK && c != NULL; c = c->next) {
        struct value result = {0};
        r = run_command(run, c, c == pipe->first ? NULL : &piped, &result, err);
        piped = result;
    }
    if (r != ERR_OK)
        return r;
    if (pipe->sets_variable)
        run->variables[pipe->variable] = piped;
    *ret = piped;
    return ERR_OK;
}

static enum err_kind
run_nodes(struct run *run, const struct node *node, struct buf *to, struct err *err);

static enum err_kind run_body(
    struct run *run, const struct node *node, struct value dot, struct buf *to, struct err *err)
{
    struct value outer = run->dot;
    if (node->kind == NODE_WITH)
        run->dot = dot;
    enum err_kind r = run_nodes(run, node->body, to, err);
    run->dot = outer;
    return r;
}

static enum err_kind
run_node(struct run *run, const struct node *node, struct buf *to, struct err *err)
{
    struct value value = {0};
    if (node->kind == NODE_TEXT) {
        buf_str(to, node->text);
        return ERR_OK;
    }
    enum err_kind r = run_pipeline(run, node->pipe, &value, err);
    if (r != ERR_OK)
        return r;
    if (node->kind == NODE_PRINT) {
        if (!node->pipe->sets_variable)
            gotemplate_print(to, &value);
        return ERR_OK;
    }
    bool is_true = gotemplate_truth(&value);
    if (is_true || run->is_trial)
        r = run_body(run, node, value, to, err);
    if (r == ERR_OK && (!is_true || run->is_trial))
        r = run_nodes(run, node->otherwise, to, err);
    return r;
}

static enum err_kind
run_nodes(struct run *run, const struct node *node, struct buf *to, struct err *err)
{
    enum err_kind r = ERR_OK;
    for (; r == ERR_OK && node != NULL; node = node->next)
        r = run_node(run, node, to, err);
    return r;
}

static void run_deinit(struct run *run)
{
    for (size_t i = 0; i < run->string_count; i++)
        buf_deinit(&run->strings[i]);
    free(run->strings);
}

enum err_kind core_gotemplate_render(
    const struct core_gotemplate *t, const struct str *values, struct buf *to, struct err *err)
{
    struct run run = {.t = t, .values = values};
    enum err_kind r = run_nodes(&run, t->nodes, to, err);
    run_deinit(&run);
    if (r == ERR_OK && to->is_failed)
        r = err_set(err, ERR_INVALID, "%s makes too long a text", t->label);
    return r;
}

/* What a rendering with any values would stumble over shows with these, in every branch. */
static enum err_kind try(const struct core_gotemplate *t, struct err *err)
{
    autofree struct str *values = mem_realloc_array(NULL, t->member_count + 1, sizeof(*values));
    autobuf struct buf unused = {0};
    for (size_t i = 0; i < t->member_count; i++)
        values[i] = STR("sample");
    struct run run = {.t = t, .values = values, .is_trial = true};
    enum err_kind r = run_nodes(&run, t->nodes, &unused, err);
    run_deinit(&run);
    return r;
}

enum err_kind core_gotemplate_new(
    const char *label,
    struct str text,
    const char *const *members,
    struct core_gotemplate **ret,
    struct err *err)
{
    if (text.n > CORE_GOTEMPLATE_MAX)
        return err_set(err, ERR_INVALID, "%s is longer than %d bytes", label, CORE_GOTEMPLATE_MAX);
    if (!str_is_utf8(text))
        return err_set(err, ERR_INVALID, "%s is not UTF-8", label);
    struct core_gotemplate *t = mem_new(struct core_gotemplate);
    t->label = mem_strdup(label);
    t->text = mem_strdup_str(text);
    t->text_bytes = text.n;
    t->members = members;
    while (members[t->member_count] != NULL)
        t->member_count++;
    t->mentions = mem_alloc((t->member_count + 1) * sizeof(*t->mentions));
    enum err_kind r = gotemplate_parse(t, err);
    if (r == ERR_OK)
        r = try(t, err);
    if (r != ERR_OK) {
        core_gotemplate_free(t);
        return r;
    }
    *ret = t;
    return ERR_OK;
}

struct core_gotemplate *core_gotemplate_free(struct core_gotemplate *t)
{
    if (t == NULL)
        return NULL;
    for (size_t i = 0; i < t->owned_count; i++)
        free(t->owned[i]);
    free(t->owned);
    free(t->mentions);
    free(t->label);
    free(t->text);
    free(t);
    return NULL;
}

unsigned core_gotemplate_mentions(const struct core_gotemplate *t, size_t member)
{
    return t->mentions[member];
}
