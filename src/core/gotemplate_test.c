#include "base/mem.h"
#include "base/testing.h"
#include "core/gotemplate.h"

static const char *const members[] = {"Group", "Version",       "Kind", "Namespace",
                                      "Name",  "Request.Group", NULL};
static const struct str values[] = {
    {"demo.example", 12}, {"v1", 2},          {"Widget", 6},
    {"prod", 4},          {"a\xC3\xA9 b", 5}, {"demo.example", 12},
};

static enum err_kind render(const char *text, struct buf *to, struct err *err)
{
    struct core_gotemplate *t = NULL;
    enum err_kind r = core_gotemplate_new("path", str_from(text), members, &t, err);
    if (r == ERR_OK)
        r = core_gotemplate_render(t, values, to, err);
    core_gotemplate_free(t);
    return r;
}

struct row {
    const char *text;
    const char *result;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        autobuf struct buf to = {0};
        struct err err = {0};
        if (render(rows[i].text, &to, &err) != ERR_OK)
            fail_msg("'%s': %s", rows[i].text, err.text);
        if (!str_eqz(buf_view(&to), rows[i].result))
            fail_msg("'%s' gave '%.*s'", rows[i].text, (int)to.n, to.p);
    }
}

/* Results seen from Go's own text/template. */
static void test_gotemplate_render__gives_what_go_gives(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", ""},
        {"plain text", "plain text"},
        {"{{ .Namespace }}/{{ .Group }}-{{ .Version }}-{{ .Kind }}-{{ .Name }}.json",
         "prod/demo.example-v1-Widget-a\xC3\xA9 b.json"},
        {"{{.Kind}}{{.Version}}", "Widgetv1"},
        {"{{ .Request.Group }} {{ $.Kind }}", "demo.example Widget"},
        {"{{ replace .Group \".\" \"_\" }}/{{ if eq .Namespace \"prod\" }}live{{ else }}draft"
         "{{ end }}/note",
         "demo_example/live/note"},
        {"{{\n.Kind\n}}", "Widget"},
        {"{{ .Kind}}}", "Widget}"},
        {"}} {{ \"}}\" }}{{ \"{{\" }}", "}} }}{{"},
        {"{{ \"a\" }}{{ `b\\n` }}{{ \"\\u00e9\\x41\\101\\t\" }}",
         "ab\\n\xC3\xA9"
         "AA\t"},
        {"{{ 12 }}{{ -3 }}{{ true }}{{ false }}{{-3}}", "12-3truefalse-3"},
        {"{{ .Kind | len | printf \"%03d\" }}", "006"},
        {"{{ .Name | printf \"%s-%q\" .Kind }}", "Widget-\"a\xC3\xA9 b\""},
        {"{{ (printf \"%s\" .Kind) | len }}{{ (.Kind) }}", "6Widget"},
        {"{{.Kind|len}}", "6"},
        {"{{ slice .Name 0 2 }}|{{ slice .Name 1 }}|{{ slice .Kind 1 3 }}|{{ index .Kind 0 }}",
         "a\xC3|\xC3\xA9 b|id|87"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void test_gotemplate_render__trims_as_go_does(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a {{- .Kind -}} b", "aWidgetb"},
        {"a {{- /* c */ -}} b", "ab"},
        {"a {{/* c */}} b", "a  b"},
        {"{{- /* a */ -}}   x", "x"},
        {"   x \n{{- /* a */}} y", "   x y"},
        {"{{ if .Kind -}}   a   {{- else -}}  b  {{- end }} c", "a c"},
        {"{{ .Kind }}{{/* a */}}{{ .Version }}", "Widgetv1"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void test_gotemplate_render__takes_the_right_branch(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{{ if eq .Kind \"a\" }}1{{ else if eq .Kind \"Widget\" }}2{{ else }}3{{ end }}", "2"},
        {"{{ if \"\" }}1{{ end }}{{ if 0 }}2{{ end }}{{ if false }}3{{ end }}4", "4"},
        {"{{ with .Name }}{{ . }}{{ end }}", "a\xC3\xA9 b"},
        {"{{ with \"\" }}x{{ else }}{{ .Kind }}{{ end }}", "Widget"},
        {"{{ with 0 }}a{{ else with 1 }}{{ . }}{{ end }}", "1"},
        {"{{ with $x := .Version }}{{ $x }}{{ . }}{{ $.Kind }}{{ end }}", "v1v1Widget"},
        {"{{ with .Version }}{{ with 3 }}{{ . }}{{ end }}{{ . }}{{ end }}", "3v1"},
        {"{{ $x := .Kind }}{{ $x = .Version }}{{ $x }}", "v1"},
        {"{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2"},
        {"{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}", "21"},
        {"{{ if $x := .Kind }}{{ $x }}{{ else }}none{{ end }}", "Widget"},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void test_gotemplate_render__offers_the_functions(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{{ and .Kind .Version }} {{ or .Kind .Version }} {{ not .Kind }}", "v1 Widget false"},
        {"{{ or \"\" \"x\" }}{{ and \"\" \"x\" }}{{ not 0 }}{{ and 0 1 }}", "xtrue0"},
        {"{{ or \"x\" (index .Kind 99) }}", "x"},
        {"{{ eq .Kind \"a\" \"Widget\" }} {{ ne 1 2 }} {{ eq true false }}", "true true false"},
        {"{{ lt 1 2 }} {{ le \"a\" \"b\" }} {{ gt 2 1 }} {{ ge \"a\" \"b\" }}",
         "true true true false"},
        {"{{ print 1 2 \"a\" 3 }}|{{ println \"a\" 1 }}|{{ print }}", "1 2a3|a 1\n|"},
        {"{{ urlquery .Name \"/?&=\" 1 2 }}", "a%C3%A9+b%2F%3F%26%3D1+2"},
        {"{{ replace .Version \"\" \"-\" }}{{ replace .Name \"\xC3\xA9\" \"\" }}", "-v-1-a b"},
        {"{{ replace \"aaa\" \"aa\" \"b\" }}", "ba"},
        {"{{ printf \"%5s|%-5s|%05s|%.2s\" .Version .Version .Version .Name }}",
         "   v1|v1   |000v1|a\xC3\xA9"},
        {"{{ printf \"%5d|%-5d|%05d|%05d|%.3d|%x|%X\" 2 3 4 -4 5 255 255 }}",
         "    2|3    |00004|-0004|005|ff|FF"},
        {"{{ printf \"%x|%.2x|%6t|%v|100%%\" .Version .Kind true 7 }}", "7631|5769|  true|7|100%"},
        {"{{ printf \"%q\" \"a\\tb\\\"\\\\\\x01\" }}", "\"a\\tb\\\"\\\\\\x01\""},
    };
    check_rows(rows, ARRAY_LEN(rows));
}

static void test_gotemplate_new__refuses_and_says_where_and_what_else(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        {"{{ .Name", "path, line 1, column 9: an action is not closed"},
        {"{{ .Name }", "unexpected '}'"},
        {"a\nb{{ lower .Name }}", "path, line 2, column 5: no function 'lower': use one of and eq"},
        {"{{ .Foo }}", "no member '.Foo' here: use one of .Group .Version"},
        {"{{ .Name.Foo }}", "no member '.Name.Foo'"},
        {"{{}}", "a value is missing"},
        {"{{ .Name | }}", "a value is missing"},
        {"{{ | .Name }}", "a value is missing"},
        {"{{ . }}", "'.' alone"},
        {"{{ $ }}", "'$' stands for the whole request"},
        {"{{ nil }}", "'nil' is not offered in paths"},
        {"{{ range .Name }}{{ end }}", "'range' is not offered in paths: use if, else, with"},
        {"{{ define \"a\" }}x{{ end }}", "'define' is not offered"},
        {"{{ template \"a\" }}", "'template' is not offered"},
        {"{{ block \"a\" . }}{{ end }}", "'block' is not offered"},
        {"{{ html .Name }}", "'html' is not offered"},
        {"{{ with .Name }}{{ .Kind }}{{ end }}", "write '$.Kind'"},
        {"{{ .Name .Kind }}", "an argument is given to something that is no function"},
        {"{{ .Name | .Kind }}", "behind '|' must be a function"},
        {"{{ (.Name }}", "a '(' is not closed"},
        {"{{ .Name) }}", "unexpected ')'"},
        {"{{ (.Name).Kind }}", "a blank is missing"},
        {"{{ len len }}", "needs parentheses"},
        {"{{ eq .Name\"x\" }}", "unexpected '\"'"},
        {"{{ eq .Name \"x\"\"y\" }}", "a blank is missing"},
        {"{{ replace .Name }}", "wrong number of arguments for replace: 1"},
        {"{{ .Name | replace \"a\" }}", "wrong number of arguments for replace: 2"},
        {"{{ len 3 }}", "len: text is needed, not a number"},
        {"{{ if false }}{{ len 3 }}{{ end }}", "len: text is needed"},
        {"{{ if true }}{{ else }}{{ len 3 }}{{ end }}", "len: text is needed"},
        {"{{ or \"x\" (len 3) }}", "len: text is needed"},
        {"{{ eq 1 \"a\" }}", "cannot be compared"},
        {"{{ lt true false }}", "have no order"},
        {"{{ index .Name \"a\" }}", "a number is needed"},
        {"{{ slice .Name 0 1 2 }}", "wrong number of arguments for slice"},
        {"{{ printf \"%d\" .Name }}", "%d does not fit text"},
        {"{{ printf \"%s\" 3 }}", "%s does not fit a number"},
        {"{{ printf \"%z\" .Name }}", "only the verbs"},
        {"{{ printf \"%\" }}", "ends behind '%'"},
        {"{{ printf \"%s\" }}", "an argument for '%s' is missing"},
        {"{{ printf \"a\" .Name }}", "more arguments than"},
        {"{{ printf \"%99999999999s\" .Name }}", "a width above 1024"},
        {"{{ if .Name }}1", "'{{ end }}' is missing"},
        {"{{ if .Name }}1{{ else }}2", "'{{ end }}' is missing"},
        {"{{ if .Name }}{{ else }}{{ else }}{{ end }}", "a second 'else'"},
        {"{{ end }}", "'end' without 'if' or 'with'"},
        {"{{ else }}", "'else' without 'if' or 'with'"},
        {"{{ if }}x{{ end }}", "a value is missing"},
        {"{{ if .Name }}{{ end .Name }}", "'}}' must follow 'end'"},
        {"{{/* c }}", "comment is not closed"},
        {"{{/* c */ }}", "must follow the end of a comment"},
        {"{{ \"a }}", "this string is not closed"},
        {"{{ `a }}", "this string is not closed"},
        {"{{ 'a' }}", "quoted with"},
        {"{{ \"\\q\" }}", "an escape that Go does not know"},
        {"{{ \"\\ud800\" }}", "an escape that Go does not know"},
        {"{{ \"\\x4\" }}", "an escape that Go does not know"},
        {"{{ 1.5 }}", "only whole numbers"},
        {"{{ 0x10 }}", "is no number here"},
        {"{{ 99999999999 }}", "is no number here"},
        {"{{ $x }}", "no variable '$x'"},
        {"{{ $x = 1 }}", "no variable '$x': declare it with :="},
        {"{{ $x := $x }}", "no variable '$x'"},
        {"{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}", "no variable '$x'"},
        {"{{ $x := 1 }}{{ $x.Foo }}", "'$x' has no members"},
        {"{{ $ := 1 }}", "'$' cannot be set"},
        {"{{ \x01 }}", "unexpected byte 0x01"},
        {"{{ printf \"%\x1b\" }}", "only the verbs"},
        {"{{ \"\xC3\" }}", "path is not UTF-8"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct core_gotemplate *t = NULL;
        struct err err = {0};
        assert_int_equal(
            core_gotemplate_new("path", str_from(rows[i].text), members, &t, &err), ERR_INVALID);
        if (strstr(err.text, rows[i].says) == NULL)
            fail_msg("'%s' says '%s'", rows[i].text, err.text);
        assert_null(t);
    }
}

static void test_gotemplate_render__fails_over_values_only(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } rows[] = {
        {"{{ slice .Version 0 3 }}", "column 4: slice: position 3 is outside 'v1'"},
        {"{{ slice .Kind 3 1 }}", "position 3 is outside 'Widget'"},
        {"{{ slice .Kind -1 }}", "position -1 is outside"},
        {"{{ index .Version 2 }}", "index: position 2 is outside"},
        {"{{ slice \"a\\n\\x1b\" 9 }}", "position 9 is outside 'a?"},
        {"{{ $a := replace \"aaaaaaaaaaaaaaaa\" \"\" .Group }}{{ $a = replace $a \"\" .Group }}"
         "{{ replace $a \"\" $a }}",
         "the text is longer than"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct core_gotemplate *t = NULL;
        autobuf struct buf to = {0};
        struct err err = {0};
        assert_int_equal(
            core_gotemplate_new("path", str_from(rows[i].text), members, &t, &err), ERR_OK);
        assert_int_equal(core_gotemplate_render(t, values, &to, &err), ERR_INVALID);
        if (strstr(err.text, rows[i].says) == NULL)
            fail_msg("'%s' says '%s'", rows[i].text, err.text);
        core_gotemplate_free(t);
    }
}

static void test_gotemplate_new__bounds_size_depth_and_counts(void **state)
{
    (void)state;
    struct core_gotemplate *t = NULL;
    struct err err = {0};
    autofree char *large = mem_alloc(CORE_GOTEMPLATE_MAX + 2);
    memset(large, 'x', CORE_GOTEMPLATE_MAX + 1);
    assert_int_equal(core_gotemplate_new("path", str_from(large), members, &t, &err), ERR_INVALID);
    static const struct {
        const char *before;
        const char *repeated;
        unsigned count;
        const char *says;
    } rows[] = {
        {"{{ ", "(", 4000, "nested deeper"},
        {"", "{{if 1}}", 1500, "nested deeper"},
        {"{{if 1}}", "{{else if 1}}", 1000, "nested deeper"},
        {"", "{{$x := 1}}", 100, "more than 32 variables"},
        {"{{ print", " 1", 100, "more than 15 arguments"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        autobuf struct buf text = {0};
        buf_text(&text, rows[i].before);
        for (unsigned k = 0; k < rows[i].count; k++)
            buf_text(&text, rows[i].repeated);
        assert_int_equal(
            core_gotemplate_new("path", buf_view(&text), members, &t, &err), ERR_INVALID);
        if (strstr(err.text, rows[i].says) == NULL)
            fail_msg("'%s' says '%s'", rows[i].repeated, err.text);
    }
}

static void test_gotemplate_mentions__counts_what_is_never_run_too(void **state)
{
    (void)state;
    struct core_gotemplate *t = NULL;
    struct err err = {0};
    struct str text = STR("{{ if false }}{{ .Namespace }}{{ end }}{{ $.Namespace }}{{ .Kind }}");
    assert_int_equal(core_gotemplate_new("path", text, members, &t, &err), ERR_OK);
    assert_int_equal(core_gotemplate_mentions(t, 3), 2);
    assert_int_equal(core_gotemplate_mentions(t, 2), 1);
    assert_int_equal(core_gotemplate_mentions(t, 0), 0);
    core_gotemplate_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gotemplate_render__gives_what_go_gives),
        cmocka_unit_test(test_gotemplate_render__trims_as_go_does),
        cmocka_unit_test(test_gotemplate_render__takes_the_right_branch),
        cmocka_unit_test(test_gotemplate_render__offers_the_functions),
        cmocka_unit_test(test_gotemplate_new__refuses_and_says_where_and_what_else),
        cmocka_unit_test(test_gotemplate_render__fails_over_values_only),
        cmocka_unit_test(test_gotemplate_new__bounds_size_depth_and_counts),
        cmocka_unit_test(test_gotemplate_mentions__counts_what_is_never_run_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
