#include "cli/options.h"
#include "base/mem.h"

void cli_list_add(struct cli_list *list, const char *text)
{
    if (list->count + 1 >= list->cap) {
        list->cap = list->cap == 0 ? 8 : list->cap * 2;
        list->items = mem_realloc_array(list->items, list->cap, sizeof(*list->items));
    }
    list->items[list->count++] = text;
    list->items[list->count] = NULL;
}

void cli_list_deinit(struct cli_list *list)
{
    free(list->items);
    *list = (struct cli_list){0};
}

/* What one search found: the row, and the struct that it fills. */
struct found {
    const struct cli_option *row;
    void *to;
};

static struct found
find_row(const struct cli_option_set *sets, size_t set_count, struct str name, char letter)
{
    for (size_t i = 0; i < set_count; i++) {
        for (const struct cli_option *o = sets[i].rows; o != NULL && o->name != NULL; o++) {
            if (letter != 0 ? o->letter == letter : str_eqz(name, o->name))
                return (struct found){o, sets[i].to};
        }
    }
    return (struct found){0};
}

static void store(struct found f, const char *value)
{
    char *at = (char *)f.to + f.row->offset;
    switch (f.row->kind) {
    case CLI_OPTION_FLAG:
        *(bool *)(void *)at = true;
        return;
    case CLI_OPTION_TEXT:
        *(const char **)(void *)at = value;
        return;
    case CLI_OPTION_LIST:
        cli_list_add((struct cli_list *)(void *)at, value);
        return;
    }
}

static enum err_kind needs_value(const struct cli_option *row, struct err *err)
{
    return err_set(err, ERR_USAGE, "flag '--%s' needs a value: %s", row->name, row->value);
}

static enum err_kind parse_long(
    const struct cli_option_set *sets,
    size_t set_count,
    int argc,
    char *const *args,
    int *at,
    struct err *err)
{
    const char *text = args[*at] + 2;
    const char *equals = strchr(text, '=');
    struct str name = equals == NULL ? str_from(text) : str_of(text, (size_t)(equals - text));
    struct found f = find_row(sets, set_count, name, 0);
    if (f.row == NULL)
        return err_set(err, ERR_USAGE, "unknown flag '--" STR_FMT "'", STR_ARG(name));
    *at += 1;
    if (f.row->kind == CLI_OPTION_FLAG) {
        if (equals != NULL)
            return err_set(err, ERR_USAGE, "flag '--%s' takes no value", f.row->name);
        store(f, NULL);
        return ERR_OK;
    }
    if (equals == NULL && *at >= argc)
        return needs_value(f.row, err);
    store(f, equals != NULL ? equals + 1 : args[(*at)++]);
    return ERR_OK;
}

static enum err_kind parse_letters(
    const struct cli_option_set *sets,
    size_t set_count,
    int argc,
    char *const *args,
    int *at,
    struct err *err)
{
    const char *text = args[(*at)++] + 1;
    for (; *text != '\0'; text++) {
        struct found f = find_row(sets, set_count, (struct str){0}, *text);
        if (f.row == NULL)
            return err_set(err, ERR_USAGE, "unknown flag '-%c'", *text);
        if (f.row->kind == CLI_OPTION_FLAG) {
            store(f, NULL);
            continue;
        }
        if (text[1] == '\0' && *at >= argc)
            return needs_value(f.row, err);
        const char *value = text[1] == '\0' ? args[(*at)++] : text + 1 + (text[1] == '=');
        store(f, value);
        return ERR_OK;
    }
    return ERR_OK;
}

enum err_kind cli_option_parse(
    const struct cli_option_set *sets,
    size_t set_count,
    int argc,
    char *const *args,
    int *at,
    struct err *err)
{
    if (args[*at][1] == '-')
        return parse_long(sets, set_count, argc, args, at, err);
    return parse_letters(sets, set_count, argc, args, at, err);
}

void cli_options_deinit(const struct cli_option *rows, void *to)
{
    if (to == NULL)
        return;
    for (; rows != NULL && rows->name != NULL; rows++) {
        if (rows->kind == CLI_OPTION_LIST)
            cli_list_deinit((struct cli_list *)(void *)((char *)to + rows->offset));
    }
}
