#include "api/config_file.h"
#include "base/fs.h"
#include "base/mem.h"

#include <yaml.h>

static const size_t FILE_BYTES_MAX = (size_t)1 << 20;
#define DEPTH_MAX 16

struct reader {
    struct flags *flags;
    const char *path;
    yaml_document_t document;
};

static enum err_kind
wrong(const struct reader *r, const yaml_node_t *node, const char *why, struct err *err)
{
    return err_set(
        err, ERR_MALFORMED, "configuration file '%s', line %zu: %s", r->path,
        node->start_mark.line + 1, why);
}

static struct str scalar(const yaml_node_t *node)
{
    return str_of((const char *)node->data.scalar.value, node->data.scalar.length);
}

static bool is_null(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        (scalar(node).n == 0 || str_eqz(scalar(node), "null") || str_eqz(scalar(node), "~"));
}

/* A list stands for its items separated by commas. */
static enum err_kind
join_list(struct reader *r, const yaml_node_t *list, struct buf *to, struct err *err)
{
    for (yaml_node_item_t *i = list->data.sequence.items.start; i < list->data.sequence.items.top;
         i++) {
        const yaml_node_t *item = yaml_document_get_node(&r->document, *i);
        if (item->type != YAML_SCALAR_NODE)
            return wrong(r, item, "a list may hold texts only", err);
        if (to->n > 0)
            buf_char(to, ',');
        buf_str(to, scalar(item));
    }
    return ERR_OK;
}

static enum err_kind visit_map(
    struct reader *r, const yaml_node_t *map, const char *prefix, unsigned depth, struct err *err);

static enum err_kind
visit(struct reader *r, const yaml_node_t *value, const char *name, unsigned depth, struct err *err)
{
    autobuf struct buf text = {0};
    enum err_kind k = ERR_OK;
    if (value->type == YAML_MAPPING_NODE)
        return visit_map(r, value, name, depth + 1, err);
    if (is_null(value))
        return ERR_OK;
    if (value->type == YAML_SEQUENCE_NODE)
        k = join_list(r, value, &text, err);
    else
        buf_str(&text, scalar(value));
    if (k == ERR_OK && flags_set_default(r->flags, str_from(name), buf_view(&text), err) != ERR_OK)
        k = err_wrap(err, "configuration file '%s', line %zu", r->path, value->start_mark.line + 1);
    return k;
}

static enum err_kind visit_map(
    struct reader *r, const yaml_node_t *map, const char *prefix, unsigned depth, struct err *err)
{
    enum err_kind k = ERR_OK;
    if (depth > DEPTH_MAX)
        return wrong(r, map, "nested too deeply", err);
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
         k == ERR_OK && p < map->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = yaml_document_get_node(&r->document, p->key);
        const yaml_node_t *value = yaml_document_get_node(&r->document, p->value);
        if (key->type != YAML_SCALAR_NODE)
            return wrong(r, key, "a key must be a text", err);
        autofree char *name =
            mem_printf("%s%s" STR_FMT, prefix, prefix[0] == '\0' ? "" : "-", STR_ARG(scalar(key)));
        k = visit(r, value, name, depth, err);
    }
    return k;
}

static enum err_kind read_document(struct reader *r, struct str text, struct err *err)
{
    yaml_parser_t parser;
    enum err_kind k = ERR_OK;
    if (!yaml_parser_initialize(&parser))
        return err_set(err, ERR_INTERNAL, "no memory for the YAML parser");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
    if (!yaml_parser_load(&parser, &r->document)) {
        k = err_set(
            err, ERR_MALFORMED, "configuration file '%s', line %zu: %s", r->path,
            parser.problem_mark.line + 1, parser.problem);
    } else {
        const yaml_node_t *root = yaml_document_get_root_node(&r->document);
        if (root != NULL && root->type == YAML_MAPPING_NODE)
            k = visit_map(r, root, "", 0, err);
        else if (root != NULL && !is_null(root))
            k = wrong(r, root, "a map of settings is expected", err);
        yaml_document_delete(&r->document);
    }
    yaml_parser_delete(&parser);
    return k;
}

enum err_kind config_file_read(const char *path, struct flags *flags, struct err *err)
{
    struct reader r = {.flags = flags, .path = path};
    autobuf struct buf text = {0};
    enum err_kind k = fs_read_file(path, FILE_BYTES_MAX, &text, err);
    return k == ERR_OK ? read_document(&r, buf_view(&text), err) : k;
}
