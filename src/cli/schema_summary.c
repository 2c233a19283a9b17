#include "cli/schema_summary.h"

enum { SHOWN_MAX = 12 };

static bool is_required(yyjson_val *schema, struct str name)
{
    size_t i, n;
    yyjson_val *item;
    yyjson_arr_foreach(json_get(schema, "required"), i, n, item)
    {
        if (str_eq(json_str(item), name))
            return true;
    }
    return false;
}

static void write_members(struct buf *to, yyjson_val *schema)
{
    size_t i, n;
    yyjson_val *key, *value;
    yyjson_obj_foreach(json_get(schema, "properties"), i, n, key, value)
    {
        if (i == SHOWN_MAX) {
            buf_printf(to, " and %zu more", n - i);
            break;
        }
        buf_text(to, i > 0 ? ", " : "");
        buf_str(to, json_str(key));
        buf_text(to, is_required(schema, json_str(key)) ? "*" : "");
    }
}

static bool has_members(yyjson_val *schema)
{
    return yyjson_obj_size(json_get(schema, "properties")) > 0;
}

void cli_schema_summary(struct buf *to, yyjson_val *schema)
{
    yyjson_val *spec = json_get(json_get(schema, "properties"), "spec");
    struct str type = json_str(json_get(spec != NULL ? spec : schema, "type"));
    if (spec != NULL)
        buf_text(to, "spec: ");
    if (has_members(spec != NULL ? spec : schema))
        write_members(to, spec != NULL ? spec : schema);
    else
        buf_printf(to, "any " STR_FMT, STR_ARG(type.n > 0 ? type : STR("value")));
}
