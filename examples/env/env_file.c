#include "env_file.h"

#include <stdlib.h>
#include <string.h>

/* --- text that grows ------------------------------------------------------------------------------------ */

struct text {
    char *p;
    size_t n;
    size_t room;
};

static void add(struct text *to, const char *p, size_t n)
{
    while (to->n + n + 1 > to->room) {
        to->room = to->room == 0 ? 256 : to->room * 2;
        to->p = cup_sdk_resize(to->p, to->room);
    }
    memcpy(to->p + to->n, p, n);
    to->n += n;
    to->p[to->n] = 0;
}

static void add_char(struct text *to, char c)
{
    add(to, &c, 1);
}

/* --- reading -------------------------------------------------------------------------------------------- */

struct reader {
    const char *path;
    const char *text;
    size_t n;
    size_t at;
    size_t line; /* counted from 1 */
    struct cup_sdk_err *err;
};

static enum cup_sdk_result wrong(const struct reader *r, const char *what)
{
    return cup_sdk_fail(r->err, "%.500s:%zu: %s", r->path, r->line, what);
}

static int peek(const struct reader *r)
{
    return r->at < r->n ? (unsigned char)r->text[r->at] : -1;
}

static void skip_blanks(struct reader *r)
{
    while (peek(r) == ' ' || peek(r) == '\t')
        r->at++;
}

/* To behind the line's end. */
static void skip_line(struct reader *r)
{
    while (peek(r) >= 0 && peek(r) != '\n')
        r->at++;
    if (peek(r) == '\n')
        r->at++;
    r->line++;
}

static bool is_key_char(int c, bool is_first)
{
    bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
    return is_letter || (!is_first && ((c >= '0' && c <= '9') || c == '.' || c == '-'));
}

static bool is_key(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_key_char((unsigned char)text[i], i == 0))
            return false;
    }
    return n > 0;
}

/* "export " in front is the shell's. */
static void skip_export(struct reader *r)
{
    static const char word[] = "export";
    size_t n = sizeof(word) - 1;
    if (r->n - r->at <= n || memcmp(r->text + r->at, word, n) != 0)
        return;
    if (r->text[r->at + n] != ' ' && r->text[r->at + n] != '\t')
        return;
    r->at += n;
    skip_blanks(r);
}

/* Up to the line's end or " #"; blanks around it do not count. */
static void read_plain(struct reader *r, struct env_variable *v, struct text *value)
{
    size_t end = r->at;
    while (peek(r) >= 0 && peek(r) != '\n') {
        bool is_blank = peek(r) == ' ' || peek(r) == '\t' || peek(r) == '\r';
        if (peek(r) == '#' && (r->at == v->value_start || r->at > end))
            break;
        r->at++;
        end = is_blank ? end : r->at;
    }
    v->value_end = end;
    add(value, r->text + v->value_start, end - v->value_start);
}

static void add_escaped(struct text *value, char c)
{
    static const char letters[] = "nrt", meant[] = "\n\r\t";
    const char *known = c == 0 ? NULL : strchr(letters, c);
    if (known == NULL && c != '"' && c != '\\' && c != '$')
        add_char(value, '\\');
    add_char(value, known == NULL ? c : meant[known - letters]);
}

/* May run over lines. In single quotes nothing is escaped. */
static enum cup_sdk_result read_quoted(struct reader *r, struct env_variable *v, struct text *value)
{
    size_t first_line = r->line;
    v->quote = r->text[r->at++];
    for (; peek(r) >= 0 && peek(r) != v->quote; r->at++) {
        if (peek(r) == '\\' && v->quote == '"' && r->at + 1 < r->n) {
            r->at++;
            add_escaped(value, r->text[r->at]);
        } else {
            add_char(value, r->text[r->at]);
        }
        r->line += r->text[r->at] == '\n';
    }
    if (peek(r) < 0) {
        r->line = first_line;
        return wrong(r, "the quote is not closed");
    }
    v->value_end = ++r->at;
    skip_blanks(r);
    if (peek(r) >= 0 && peek(r) != '\n' && peek(r) != '\r' && peek(r) != '#')
        return wrong(r, "something follows the closing quote");
    return CUP_SDK_OK;
}

static enum cup_sdk_result read_variable(struct reader *r, struct env_variable *v)
{
    struct text value = {0};
    skip_export(r);
    size_t key_start = r->at;
    while (is_key_char(peek(r), r->at == key_start))
        r->at++;
    size_t key_end = r->at;
    skip_blanks(r);
    if (key_end == key_start || peek(r) != '=')
        return wrong(r, "neither a comment nor KEY=VALUE");
    r->at++;
    skip_blanks(r);
    v->value_start = r->at;
    add(&value, "", 0);
    enum cup_sdk_result result = CUP_SDK_OK;
    if (peek(r) == '"' || peek(r) == '\'')
        result = read_quoted(r, v, &value);
    else
        read_plain(r, v, &value);
    v->key = cup_sdk_copy(r->text + key_start, key_end - key_start);
    v->value = value.p;
    v->value_bytes = value.n;
    return result;
}

enum cup_sdk_result env_file_read(
    const char *path,
    const char *text,
    size_t text_bytes,
    struct env_file *ret,
    struct cup_sdk_err *err)
{
    struct reader r = {.path = path, .text = text, .n = text_bytes, .line = 1, .err = err};
    *ret = (struct env_file){.text = text, .text_bytes = text_bytes};
    enum cup_sdk_result result = CUP_SDK_OK;
    while (result == CUP_SDK_OK && r.at < r.n) {
        size_t start = r.at;
        skip_blanks(&r);
        if (peek(&r) == '#' || peek(&r) == '\n' || peek(&r) == '\r' || peek(&r) < 0) {
            skip_line(&r);
            continue;
        }
        ret->variables = cup_sdk_resize(ret->variables, (ret->count + 1) * sizeof(*ret->variables));
        struct env_variable *v = &ret->variables[ret->count++];
        *v = (struct env_variable){.start = start};
        result = read_variable(&r, v);
        skip_line(&r);
        v->end = r.at;
    }
    if (result != CUP_SDK_OK)
        env_file_free(ret);
    return result;
}

void env_file_free(struct env_file *file)
{
    for (size_t i = 0; i < file->count; i++) {
        free(file->variables[i].key);
        free(file->variables[i].value);
    }
    free(file->variables);
    *file = (struct env_file){0};
}

bool env_file_counts(const struct env_file *file, size_t i)
{
    for (size_t k = i + 1; k < file->count; k++) {
        if (strcmp(file->variables[k].key, file->variables[i].key) == 0)
            return false;
    }
    return true;
}

/* --- writing -------------------------------------------------------------------------------------------- */

static bool is_plain(const char *p, size_t n)
{
    static const char safe[] = "_./:@%+,=-";
    for (size_t i = 0; i < n; i++) {
        bool is_word = (p[i] >= 'A' && p[i] <= 'Z') || (p[i] >= 'a' && p[i] <= 'z') ||
            (p[i] >= '0' && p[i] <= '9');
        if (!is_word && (p[i] == 0 || strchr(safe, p[i]) == NULL))
            return false;
    }
    return true;
}

static void add_double_quoted(struct text *to, const char *p, size_t n)
{
    add_char(to, '"');
    for (size_t i = 0; i < n; i++) {
        static const char meant[] = "\n\r\t\"\\$", letters[] = "nrt\"\\$";
        const char *known = strchr(meant, p[i]);
        if (known != NULL)
            add_char(to, '\\');
        add_char(to, known == NULL ? p[i] : letters[known - meant]);
    }
    add_char(to, '"');
}

/* In the quotes that it had, where they can hold it; else as plainly as can be. */
static void add_value(struct text *to, const char *p, size_t n, char quote)
{
    bool fits_single =
        memchr(p, '\'', n) == NULL && memchr(p, '\n', n) == NULL && memchr(p, '\r', n) == NULL;
    if (quote == 0 && is_plain(p, n)) {
        add(to, p, n);
    } else if (quote != '"' && fits_single) {
        add_char(to, '\'');
        add(to, p, n);
        add_char(to, '\'');
    } else {
        add_double_quoted(to, p, n);
    }
}

static enum cup_sdk_result check_variables(yyjson_val *variables, struct cup_sdk_err *err)
{
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach(variables, i, max, key, value)
    {
        if (!is_key(yyjson_get_str(key), yyjson_get_len(key)))
            return cup_sdk_fail(err, "'%.200s' is no name of a variable", yyjson_get_str(key));
        if (!yyjson_is_str(value) || strlen(yyjson_get_str(value)) != yyjson_get_len(value))
            return cup_sdk_fail(
                err, "the value of '%.200s' is no text (without zero bytes)", yyjson_get_str(key));
    }
    return CUP_SDK_OK;
}

static const char *line_end(const struct env_file *file)
{
    const char *first = memchr(file->text, '\n', file->text_bytes);
    return first != NULL && first > file->text && first[-1] == '\r' ? "\r\n" : "\n";
}

static bool has_key(const struct env_file *file, const char *key)
{
    for (size_t i = 0; i < file->count; i++) {
        if (strcmp(file->variables[i].key, key) == 0)
            return true;
    }
    return false;
}

static void add_new(const struct env_file *file, yyjson_val *variables, struct text *to)
{
    size_t i, max;
    yyjson_val *key, *value;
    const char *end = line_end(file);
    yyjson_obj_foreach(variables, i, max, key, value)
    {
        if (has_key(file, yyjson_get_str(key)))
            continue;
        if (to->n > 0 && to->p[to->n - 1] != '\n')
            add(to, end, strlen(end));
        add(to, yyjson_get_str(key), yyjson_get_len(key));
        add_char(to, '=');
        add_value(to, yyjson_get_str(value), yyjson_get_len(value), 0);
        add(to, end, strlen(end));
    }
}

enum cup_sdk_result env_file_change(
    const struct env_file *file,
    yyjson_val *variables,
    char **ret_text,
    size_t *ret_bytes,
    struct cup_sdk_err *err)
{
    struct text to = {0};
    size_t at = 0;
    enum cup_sdk_result r = check_variables(variables, err);
    if (r != CUP_SDK_OK)
        return r;
    add(&to, "", 0);
    for (size_t i = 0; i < file->count; i++) {
        const struct env_variable *v = &file->variables[i];
        yyjson_val *want = yyjson_obj_get(variables, v->key);
        if (want == NULL) {
            add(&to, file->text + at, v->start - at);
            at = v->end;
        } else if (
            env_file_counts(file, i) && !yyjson_equals_strn(want, v->value, v->value_bytes)) {
            add(&to, file->text + at, v->value_start - at);
            add_value(&to, yyjson_get_str(want), yyjson_get_len(want), v->quote);
            at = v->value_end;
        }
    }
    add(&to, file->text + at, file->text_bytes - at);
    add_new(file, variables, &to);
    *ret_text = to.p;
    *ret_bytes = to.n;
    return CUP_SDK_OK;
}
