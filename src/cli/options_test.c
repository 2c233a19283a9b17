#include "base/buf.h"
#include "base/testing.h"
#include "cli/options.h"

struct filled {
    bool is_all;
    bool is_brief;
    const char *output;
    struct cli_list files;
};

static const struct cli_option rows[] = {
    {"all", 'A', CLI_OPTION_FLAG, NULL, "", offsetof(struct filled, is_all)},
    {"brief", 'b', CLI_OPTION_FLAG, NULL, "", offsetof(struct filled, is_brief)},
    {"output", 'o', CLI_OPTION_TEXT, "FORM", "", offsetof(struct filled, output)},
    {"file", 'f', CLI_OPTION_LIST, "FILE", "", offsetof(struct filled, files)},
    {0},
};

/* All flags of args, one after the other. */
static enum err_kind parse(const char *const *args, struct filled *ret, struct err *err)
{
    char *argv[8] = {0};
    int argc = 0;
    for (; args[argc] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)args[argc]; /* only read */
    const struct cli_option_set set = {rows, ret};
    for (int at = 0; at < argc;) {
        enum err_kind r = cli_option_parse(&set, 1, argc, argv, &at, err);
        if (r != ERR_OK)
            return r;
    }
    return ERR_OK;
}

static void test_option_parse__takes_every_form_of_a_flag(void **state)
{
    (void)state;
    static const struct {
        const char *args[5];
        bool is_all, is_brief;
        const char *output;
        const char *files; /* each with a blank behind */
    } table[] = {
        {{"--all"}, true, false, NULL, ""},
        {{"-Ab"}, true, true, NULL, ""},
        {{"--output", "json"}, false, false, "json", ""},
        {{"--output=json"}, false, false, "json", ""},
        {{"--output="}, false, false, "", ""},
        {{"-o", "json"}, false, false, "json", ""},
        {{"-ojson"}, false, false, "json", ""},
        {{"-o=json"}, false, false, "json", ""},
        {{"-Aojson"}, true, false, "json", ""},
        {{"-o", "json", "-oyaml"}, false, false, "yaml", ""},
        {{"-f", "-", "--file=b"}, false, false, NULL, "- b "},
        {{"-o", "-A"}, false, false, "-A", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct filled filled = {0};
        autobuf struct buf files = {0};
        assert_int_equal(parse(table[i].args, &filled, NULL), ERR_OK);
        assert_int_equal(filled.is_all, table[i].is_all);
        assert_int_equal(filled.is_brief, table[i].is_brief);
        assert_string_equal(
            filled.output == NULL ? "(none)" : filled.output,
            table[i].output == NULL ? "(none)" : table[i].output);
        for (size_t k = 0; k < filled.files.count; k++)
            buf_printf(&files, "%s ", filled.files.items[k]);
        assert_true(str_eqz(buf_view(&files), table[i].files));
        if (filled.files.count > 0)
            assert_null(filled.files.items[filled.files.count]);
        cli_options_deinit(rows, &filled);
    }
}

static void test_option_parse__refuses_what_it_does_not_know(void **state)
{
    (void)state;
    static const struct {
        const char *args[3];
        const char *text;
    } table[] = {
        {{"--nope"}, "unknown flag '--nope'"},
        {{"--nope=1"}, "unknown flag '--nope'"},
        {{"-x"}, "unknown flag '-x'"},
        {{"-Ax"}, "unknown flag '-x'"},
        {{"--all=yes"}, "flag '--all' takes no value"},
        {{"--output"}, "flag '--output' needs a value: FORM"},
        {{"-o"}, "flag '--output' needs a value: FORM"},
        {{"--out", "x"}, "unknown flag '--out'"},
        {{"--"}, "unknown flag '--'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct filled filled = {0};
        struct err err = {0};
        assert_int_equal(parse(table[i].args, &filled, &err), ERR_USAGE);
        assert_string_equal(err.text, table[i].text);
        cli_options_deinit(rows, &filled);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_option_parse__takes_every_form_of_a_flag),
        cmocka_unit_test(test_option_parse__refuses_what_it_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
