#include "core/proposal_text.h"

#include "base/testing.h"

#include "base/mem.h"

#define ZERO_WIDTH "\xe2\x80\x8b"

struct row {
    const char *title;
    const char *body;
    const char *message;
    const char *objects[3]; /* values of trailers */
    const char *wanted_title;
    const char *wanted_body;
};

static const struct row rows[] = {
    {NULL,
     NULL,
     "feat: update g/v1/Flag default/a\n\nmore",
     {"g/v1/Flag default/a"},
     "feat: update g/v1/Flag default/a",
     "- Flag default/a"},
    {"[{{ .Target }}] {{ .Verb }} {{ .Kind }} {{ .Namespace }}/{{ .Name }}",
     "{{ .Requester }}: {{ .Group }}/{{ .Version }}",
     "x",
     {"g/v1/Flag default/a"},
     "[main] update Flag default/a",
     "Ann: g/v1"},
    {"{{ .Count }}: {{ .Objects }}",
     "{{ .Objects }}on {{ .Branch }}",
     "x",
     {"g/v1/Flag ns/b", "g/v1/Flag ns/a"},
     "2: Flag ns/a, Flag ns/b",
     "- Flag ns/a\n- Flag ns/b\non cup/proposal/01J00000000000000000000000"},
    /* nobody is mentioned, no issue closed, nothing formatted, no command given */
    {"{{ .Message }}",
     "{{ .Message }}",
     "/close fixes #12 for @all [x](http://evil) <b>`*_",
     {NULL},
     "/close fixes #" ZERO_WIDTH "12 for @" ZERO_WIDTH "all [x](http://evil) <b>`*_",
     "\\/close fixes \\#" ZERO_WIDTH "12 for @" ZERO_WIDTH
     "all \\[x\\](http://evil) \\<b\\>\\`\\*\\_"},
    {NULL,
     NULL,
     "a\x1b[31m\rb",
     {"g/v1/Fl`ag default/@all"},
     "a [31m b",
     "- Fl\\`ag default/@" ZERO_WIDTH "all"},
    {NULL, NULL, "", {NULL}, "", ""},
};

static void check(const struct row *row)
{
    const struct core_proposal_text_options options = {.title = row->title, .body = row->body};
    struct core_proposal_text *t = NULL;
    struct err err = {0};
    auto_objects struct core_objects objects = {0};
    auto_said struct core_proposal_said said = {0};
    for (size_t i = 0; i < ARRAY_LEN(row->objects) && row->objects[i] != NULL; i++)
        assert_true(core_objects_add(&objects, str_from(row->objects[i])));
    const struct core_proposal_facts facts = {
        .id = "01J00000000000000000000000",
        .target = "main",
        .verb = "update",
        .message = row->message,
        .requester = "Ann",
        .objects = &objects,
    };
    assert_int_equal(core_proposal_text_new(&options, &t, &err), ERR_OK);
    assert_int_equal(core_proposal_text_render(t, &facts, &said, &err), ERR_OK);
    assert_string_equal(said.title, row->wanted_title);
    assert_string_equal(said.body, row->wanted_body);
    core_proposal_text_free(t);
}

static void test_proposal_text__t_adv_31_is_harmless_whatever_names_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        check(&rows[i]);
}

static void test_proposal_text__is_checked_before_it_is_used(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{{ .Nothing }}", "{{ .Name", "{{ range .Objects }}{{ end }}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct core_proposal_text_options options = {.body = bad[i]};
        struct core_proposal_text *t = NULL;
        struct err err = {0};
        assert_int_equal(core_proposal_text_new(&options, &t, &err), ERR_INVALID);
        assert_non_null(strstr(err.text, "-api-proposal-body"));
    }
}

static void test_proposal_text__has_labels_and_draft_of_the_settings(void **state)
{
    (void)state;
    const char *const labels[] = {"flags", "by cup", NULL};
    const struct core_proposal_text_options options = {
        .title = "{{ .Verb }}", .labels = labels, .is_draft = true};
    const struct core_objects none = {0};
    const struct core_proposal_facts facts = {
        .id = "x",
        .target = "main",
        .verb = "update",
        .message = "m",
        .requester = "r",
        .objects = &none};
    struct core_proposal_text *t = NULL;
    struct err err = {0};
    auto_said struct core_proposal_said said = {0};
    assert_int_equal(core_proposal_text_new(&options, &t, &err), ERR_OK);
    assert_true(core_proposal_text_needs_verb(t));
    assert_int_equal(core_proposal_text_render(t, &facts, &said, &err), ERR_OK);
    assert_true(said.is_draft);
    assert_string_equal(said.labels[1], "by cup");
    assert_null(said.labels[2]);
    core_proposal_text_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proposal_text__t_adv_31_is_harmless_whatever_names_say),
        cmocka_unit_test(test_proposal_text__is_checked_before_it_is_used),
        cmocka_unit_test(test_proposal_text__has_labels_and_draft_of_the_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
