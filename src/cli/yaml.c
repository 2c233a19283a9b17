#include "cli/yaml.h"
#include "json/json.h"

static bool is_word(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool is_inner = (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '/';
        if (!is_letter && !(i > 0 && is_inner))
            return false;
    }
    return s.n > 0;
}

/* Words that YAML 1.1 or 1.2 readers take for a boolean or null. */
static bool is_reserved(struct str s)
{
    static const char *const words[] = {
        "true", "false", "null", "yes", "no", "on", "off", "y", "n",
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq_nocase(s, str_from(words[i])))
            return true;
    }
    return false;
}

/* A JSON string literal is a YAML double-quoted scalar (YAML 1.2 section 5.7). */
static void write_text(struct buf *to, struct str s)
{
    if (is_word(s) && !is_reserved(s))
        buf_str(to, s);
    else
        json_text_string(to, s);
}

static void write_scalar(struct buf *to, yyjson_val *v)
{
    if (yyjson_is_str(v))
        write_text(to, json_str(v));
    else if (yyjson_is_raw(v))
        buf_add(to, yyjson_get_raw(v), yyjson_get_len(v));
    else if (yyjson_is_bool(v))
        buf_text(to, yyjson_get_bool(v) ? "true" : "false");
    else if (yyjson_is_null(v))
        buf_text(to, "null");
    else
        buf_text(to, yyjson_is_arr(v) ? "[]" : "{}");
}

static bool is_block(yyjson_val *v)
{
    return yyjson_is_ctn(v) && yyjson_get_len(v) > 0;
}

static void indent(struct buf *to, unsigned level)
{
    for (unsigned i = 0; i < level; i++)
        buf_text(to, "  ");
}

static void write_block(struct buf *to, yyjson_val *v, unsigned level);

static void write_object(struct buf *to, yyjson_val *v, unsigned level)
{
    yyjson_obj_iter at;
    yyjson_obj_iter_init(v, &at);
    yyjson_val *key;
    bool is_first = true;
    while ((key = yyjson_obj_iter_next(&at)) != NULL) {
        if (!is_first)
            indent(to, level);
        is_first = false;
        yyjson_val *val = yyjson_obj_iter_get_val(key);
        write_text(to, json_str(key));
        buf_char(to, ':');
        if (is_block(val)) {
            unsigned below = yyjson_is_arr(val) ? level : level + 1;
            buf_char(to, '\n');
            indent(to, below);
            write_block(to, val, below);
        } else {
            buf_char(to, ' ');
            write_scalar(to, val);
            buf_char(to, '\n');
        }
    }
}

static void write_array(struct buf *to, yyjson_val *v, unsigned level)
{
    yyjson_arr_iter at;
    yyjson_arr_iter_init(v, &at);
    yyjson_val *val;
    bool is_first = true;
    while ((val = yyjson_arr_iter_next(&at)) != NULL) {
        if (!is_first)
            indent(to, level);
        is_first = false;
        buf_text(to, "- ");
        write_block(to, val, level + 1);
    }
}

/* Depth is bounded: json_parse refuses what is nested deeper than JSON_DEPTH_MAX. */
static void write_block(struct buf *to, yyjson_val *v, unsigned level)
{
    if (!is_block(v)) {
        write_scalar(to, v);
        buf_char(to, '\n');
    } else if (yyjson_is_obj(v)) {
        write_object(to, v, level);
    } else {
        write_array(to, v, level);
    }
}

enum err_kind cli_yaml_write(struct buf *to, struct str json, struct err *err)
{
    auto_json struct json_doc doc = {0};
    enum err_kind r = json_parse(json, JSON_STORED, &doc, err);
    if (r != ERR_OK)
        return r;
    write_block(to, doc.root, 0);
    return ERR_OK;
}
