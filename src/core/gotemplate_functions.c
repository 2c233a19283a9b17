/*
 * The functions of path templates: upstream's `replace` (strings.ReplaceAll) and those built into
 * text/template that make sense for paths, with Go's rules for types, bounds and blanks.
 */
#include "base/mem.h"
#include "core/gotemplate_internal.h"

static const char *type_name(const struct value *v)
{
    return v->kind == VALUE_STRING ? "text" : v->kind == VALUE_INT ? "a number" : "true or false";
}

static struct value of_bool(bool is_true)
{
    return (struct value){.kind = VALUE_BOOL, .is_true = is_true};
}

static struct value of_number(int64_t number)
{
    return (struct value){.kind = VALUE_INT, .number = number};
}

static enum err_kind need(const struct value *v, enum value_kind kind, struct err *err)
{
    struct value wanted = {.kind = kind};
    if (v->kind == kind)
        return ERR_OK;
    return err_set(err, ERR_INVALID, "%s is needed, not %s", type_name(&wanted), type_name(v));
}

bool gotemplate_truth(const struct value *v)
{
    switch (v->kind) {
    case VALUE_STRING:
        return v->text.n > 0;
    case VALUE_INT:
        return v->number != 0;
    case VALUE_BOOL:
    default:
        return v->is_true;
    }
}

void gotemplate_print(struct buf *to, const struct value *v)
{
    if (v->kind == VALUE_STRING)
        buf_str(to, v->text);
    else if (v->kind == VALUE_INT)
        buf_printf(to, "%lld", (long long)v->number);
    else
        buf_text(to, v->is_true ? "true" : "false");
}

enum err_kind
gotemplate_string(struct run *run, struct buf *take, struct value *ret, struct err *err)
{
    mem_grow(&run->strings, run->string_count, &run->string_cap);
    run->strings[run->string_count++] = *take;
    struct str text = take->is_failed ? STR("") : buf_view(take);
    *ret = (struct value){.kind = VALUE_STRING, .text = text};
    if (take->is_failed && !run->is_trial)
        return err_set(
            err, ERR_INVALID, "the text is longer than %d bytes", CORE_GOTEMPLATE_STRING_MAX);
    return ERR_OK;
}

/* --- comparison ------------------------------------------------------------------------------------ */

static bool equals(const struct value *a, const struct value *b)
{
    if (a->kind == VALUE_STRING)
        return str_eq(a->text, b->text);
    return a->kind == VALUE_INT ? a->number == b->number : a->is_true == b->is_true;
}

/* eq with several: the first equals any of the others. */
static enum err_kind
call_eq(struct run *run, const struct value *args, size_t count, struct value *ret, struct err *err)
{
    *ret = of_bool(false);
    for (size_t i = 1; i < count; i++) {
        if (args[i].kind != args[0].kind)
            return err_set(
                err, ERR_INVALID, "%s and %s cannot be compared", type_name(&args[0]),
                type_name(&args[i]));
        if (equals(&args[0], &args[i])) {
            *ret = of_bool(true);
            if (!run->is_trial)
                return ERR_OK;
        }
    }
    return ERR_OK;
}

static enum err_kind
call_ne(struct run *run, const struct value *args, size_t count, struct value *ret, struct err *err)
{
    enum err_kind r = call_eq(run, args, count, ret, err);
    ret->is_true = !ret->is_true;
    return r;
}

/* <0, 0, >0 */
static enum err_kind order(const struct value *a, const struct value *b, int *ret, struct err *err)
{
    enum err_kind r = need(b, a->kind, err);
    if (r == ERR_OK && a->kind == VALUE_BOOL)
        r = err_set(err, ERR_INVALID, "true and false have no order");
    if (r == ERR_OK)
        *ret = a->kind == VALUE_STRING ? str_cmp(a->text, b->text)
                                       : (a->number > b->number) - (a->number < b->number);
    return r;
}

#define DEFINE_ORDER(name, condition)                                                              \
    static enum err_kind name(                                                                     \
        struct run *run, const struct value *args, size_t count, struct value *ret,                \
        struct err *err)                                                                           \
    {                                                                                              \
        int by = 0;                                                                                \
        (void)run;                                                                                 \
        (void)count;                                                                               \
        enum err_kind r = order(&args[0], &args[1], &by, err);                                     \
        *ret = of_bool(condition);                                                                 \
        return r;                                                                                  \
    }
DEFINE_ORDER(call_lt, by < 0)
DEFINE_ORDER(call_le, by <= 0)
DEFINE_ORDER(call_gt, by > 0)
DEFINE_ORDER(call_ge, by >= 0)

static enum err_kind call_not(
    struct run *run, const struct value *args, size_t count, struct value *ret, struct err *err)
{
    (void)run;
    (void)count;
    (void)err;
    *ret = of_bool(!gotemplate_truth(&args[0]));
    return ERR_OK;
}

/* --- text ------------------------------------------------------------------------------------------ */

static enum err_kind call_len(
    struct run *run, const struct value *args, size_t count, struct value *ret, struct err *err)
{
    (void)run;
    (void)count;
    *ret = of_number((int64_t)args[0].text.n);
    return need(&args[0], VALUE_STRING, err);
}

static enum err_kind out_of_range(struct run *run, int64_t at, struct str text, struct err *err)
{
    if (run->is_trial)
        return ERR_OK;
    return err_set(
        err, ERR_INVALID, "position %lld is outside '" STR_FMT "'", (long long)at,
        STR_ARG(str_take(text, 128)));
}

/* The byte, as a number: Go prints it so. */
static enum err_kind call_index(
    struct run *run, const struct value *args, size_t count, struct value *ret, struct err *err)
{
    (void)count;
    enum err_kind r = need(&args[0], VALUE_STRING, err);
    if (r == ERR_OK)
        r = need(&args[1], VALUE_INT, err);
    *ret = of_number(0);
    if (r != ERR_OK)
        return r;
    if (args[1].number < 0 || (uint64_t)args[1].number >= args[0].text.n)
        return out_of_range(run, args[1].number, args[0].text, err);
    *ret = of_number((unsigned char)args[0].text.p[args[1].number]);
    return ERR_OK;
}

static enum err_kind call_slice(
    struct run *run, const struct value *args, size_t count, struct value *ret, struct err *err)
{
    struct str text = args[0].text;
    int64_t bounds[2] = {0, (int64_t)text.n};
    enum err_kind r = need(&args[0], VALUE_STRING, err);
    *ret = (struct value){.kind = VALUE_STRING, .text = STR("")};
    for (size_t i = 1; r == ERR_OK && i < count; i++) {
        r = need(&args[i], VALUE_INT, err);
        bounds[i - 1] = args[i].number;
    }
    if (r != ERR_OK)
        return r;
    if (bounds[1] < 0 || bounds[1] > (int64_t)text.n)
        return out_of_range(run, bounds[1], text, err);
    if (bounds[0] < 0 || bounds[0] > bounds[1])
        return out_of_range(run, bounds[0], text, err);
    ret->text = str_of(text.p + bounds[0], (size_t)(bounds[1] - bounds[0]));
    return ERR_OK;
}

/* Bytes of the character at s: an empty OLD puts NEW between characters, as strings.ReplaceAll. */
static size_t character_bytes(struct str s)
{
    for (size_t n = 1; n <= 4 && n <= s.n; n++) {
        if (str_is_utf8(str_take(s, n)))
            return n;
    }
    return s.n == 0 ? 0 : 1;
}

static void replace_between(struct buf *to, struct str text, struct str with)
{
    buf_str(to, with);
    while (text.n > 0) {
        size_t n = character_bytes(text);
        buf_str(to, str_take(text, n));
        buf_str(to, with);
        text = str_skip(text, n);
    }
}

static enum err_kind call_replace(
    struct run *run, const struct value *args, size_t count, struct value *ret, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (need(&args[i], VALUE_STRING, err) != ERR_OK)
            return ERR_INVALID;
    }
    struct buf made;
    buf_init(&made, CORE_GOTEMPLATE_STRING_MAX);
    struct str text = args[0].text;
    struct str old = args[1].text;
    if (old.n == 0) {
        replace_between(&made, text, args[2].text);
        return gotemplate_string(run, &made, ret, err);
    }
    ptrdiff_t at;
    while ((at = str_search(text, old)) >= 0) {
        buf_str(&made, str_take(text, (size_t)at));
        buf_str(&made, args[2].text);
        text = str_skip(text, (size_t)at + old.n);
    }
    buf_str(&made, text);
    return gotemplate_string(run, &made, ret, err);
}

/* fmt.Sprint: a blank between two arguments of which neither is text. */
static void print_all(struct buf *to, const struct value *args, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && args[i].kind != VALUE_STRING && args[i - 1].kind != VALUE_STRING)
            buf_char(to, ' ');
        gotemplate_print(to, &args[i]);
    }
}

static enum err_kind call_print(
    struct run *run, const struct value *args, size_t count, struct value *ret, struct err *err)
{
    struct buf made;
    buf_init(&made, CORE_GOTEMPLATE_STRING_MAX);
    print_all(&made, args, count);
    return gotemplate_string(run, &made, ret, err);
}

static enum err_kind call_println(
    struct run *run, const struct value *args, size_t count, struct value *ret, struct err *err)
{
    struct buf made;
    buf_init(&made, CORE_GOTEMPLATE_STRING_MAX);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_char(&made, ' ');
        gotemplate_print(&made, &args[i]);
    }
    buf_char(&made, '\n');
    return gotemplate_string(run, &made, ret, err);
}

/* url.QueryEscape of what print makes. */
static enum err_kind call_urlquery(
    struct run *run, const struct value *args, size_t count, struct value *ret, struct err *err)
{
    struct buf made;
    autobuf struct buf plain;
    buf_init(&made, CORE_GOTEMPLATE_STRING_MAX);
    buf_init(&plain, CORE_GOTEMPLATE_STRING_MAX);
    print_all(&plain, args, count);
    for (size_t i = 0; i < plain.n; i++) {
        unsigned char c = (unsigned char)plain.p[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            (c >= '0' && c <= '9') || (c != '\0' && strchr("-_.~", c) != NULL);
        if (is_plain)
            buf_char(&made, (char)c);
        else if (c == ' ')
            buf_char(&made, '+');
        else
            buf_printf(&made, "%%%02X", c);
    }
    made.is_failed |= plain.is_failed;
    return gotemplate_string(run, &made, ret, err);
}

/* --- table ----------------------------------------------------------------------------------------- */

/* Keep sorted, and GOTEMPLATE_FUNCTION_NAMES with it. */
static const struct function functions[] = {
    {"and", 1, GOTEMPLATE_ARGS_MAX, NULL},
    {"eq", 2, GOTEMPLATE_ARGS_MAX, call_eq},
    {"ge", 2, 2, call_ge},
    {"gt", 2, 2, call_gt},
    {"index", 2, 2, call_index},
    {"le", 2, 2, call_le},
    {"len", 1, 1, call_len},
    {"lt", 2, 2, call_lt},
    {"ne", 2, 2, call_ne},
    {"not", 1, 1, call_not},
    {"or", 1, GOTEMPLATE_ARGS_MAX, NULL},
    {"print", 0, GOTEMPLATE_ARGS_MAX, call_print},
    {"printf", 1, GOTEMPLATE_ARGS_MAX, gotemplate_printf},
    {"println", 0, GOTEMPLATE_ARGS_MAX, call_println},
    {"replace", 3, 3, call_replace},
    {"slice", 1, 3, call_slice},
    {"urlquery", 1, GOTEMPLATE_ARGS_MAX, call_urlquery},
};

static const char *const left_out[] = {
    "block", "break", "call", "continue", "define", "html", "js", "nil", "range", "template",
};

const struct function *gotemplate_function(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        if (str_eqz(name, functions[i].name))
            return &functions[i];
    }
    return NULL;
}

bool gotemplate_is_left_out(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(left_out); i++) {
        if (str_eqz(name, left_out[i]))
            return true;
    }
    return false;
}
