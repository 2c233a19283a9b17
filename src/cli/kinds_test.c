#include "base/mem.h"
#include "base/testing.h"
#include "cli/kinds.h"

#define DEFINITION(kind, singular)                                                                 \
    "{\"names\":{\"kind\":\"" kind "\",\"singular\":\"" singular "\"}}"

static const char answer[] = "{\"demo.example/v1/widgets\":" DEFINITION(
    "Widget",
    "widget") ",\"demo.example/v2beta1/"
              "widgets\":" DEFINITION("Widget", "widget") ",\"demo.example/v2/notes\":" DEFINITION(
                  "Note",
                  "note") ",\"demo.example/v10/notes\":" DEFINITION("Note", "note") ",\"other."
                                                                                    "example/"
                                                                                    "v1/"
                                                                                    "notes\""
                                                                                    ":" DEFINITION(
                                                                                        "Note",
                                                                                        "memo") ","
                                                                                                "\""
                                                                                                "ot"
                                                                                                "he"
                                                                                                "r."
                                                                                                "ex"
                                                                                                "am"
                                                                                                "pl"
                                                                                                "e/"
                                                                                                "v1"
                                                                                                "/w"
                                                                                                "id"
                                                                                                "ge"
                                                                                                "t"
                                                                                                "\""
                                                                                                ":" DEFINITION(
                                                                                                    "Gadget",
                                                                                                    "gadget") "}";

static void read(const char *text, struct cli_kinds *ret)
{
    struct buf body = {0};
    buf_text(&body, text);
    assert_int_equal(cli_kinds_read(&body, ret, NULL), ERR_OK);
}

static void test_kinds_find__looks_names_up(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        enum err_kind kind;
        const char *key;
    } rows[] = {
        {"widgets", ERR_OK, "demo.example/v1/widgets"},
        {"Widget", ERR_OK, "demo.example/v1/widgets"},
        {"widget", ERR_OK, "other.example/v1/widget"}, /* a plural before a singular */
        {"demo.example/widget", ERR_OK, "demo.example/v1/widgets"},
        {"demo.example/widgets", ERR_OK, "demo.example/v1/widgets"},
        {"demo.example/Note", ERR_OK, "demo.example/v10/notes"},
        {"memo", ERR_OK, "other.example/v1/notes"},
        {"Gadget", ERR_OK, "other.example/v1/widget"},
        {"notes", ERR_USAGE, NULL},
        {"Note", ERR_USAGE, NULL},
        {"WIDGETS", ERR_NOT_FOUND, NULL},
        {"widgetss", ERR_NOT_FOUND, NULL},
        {"x/widgets", ERR_NOT_FOUND, NULL},
        {"/widgets", ERR_NOT_FOUND, NULL},
        {"demo.example/", ERR_NOT_FOUND, NULL},
        {"", ERR_NOT_FOUND, NULL},
    };
    auto_kinds struct cli_kinds kinds = {0};
    read(answer, &kinds);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cli_kind kind = {0};
        struct err err = {0};
        assert_int_equal(cli_kinds_find(&kinds, str_from(rows[i].type), &kind, &err), rows[i].kind);
        if (rows[i].key != NULL)
            assert_true(str_eqz(kind.key, rows[i].key));
        else
            assert_true(err.text[0] != '\0');
    }
}

static void test_kinds_find_body__wants_version_and_kind_exactly(void **state)
{
    (void)state;
    auto_kinds struct cli_kinds kinds = {0};
    struct cli_kind kind = {0};
    read(answer, &kinds);
    assert_int_equal(
        cli_kinds_find_body(&kinds, STR("demo.example/v2beta1"), STR("Widget"), &kind, NULL),
        ERR_OK);
    assert_true(str_eqz(kind.version, "v2beta1"));
    assert_int_equal(
        cli_kinds_find_body(&kinds, STR("demo.example/v3"), STR("Widget"), &kind, NULL),
        ERR_NOT_FOUND);
    assert_int_equal(
        cli_kinds_find_body(&kinds, STR("demo.example/v1"), STR("widgets"), &kind, NULL),
        ERR_NOT_FOUND);
    assert_int_equal(cli_kinds_find_body(&kinds, STR(""), STR(""), &kind, NULL), ERR_NOT_FOUND);
}

static void test_kinds_read__refuses_what_is_no_cupd(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "", "<html>", "[]", "{\"a\":{}}", "{\"a/b/c\":1}", "{\"a/b/c/d\":{}}", "{\"a/b/\":{}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_kinds struct cli_kinds kinds = {0};
        struct buf body = {0};
        buf_text(&body, rows[i]);
        assert_int_equal(cli_kinds_read(&body, &kinds, NULL), ERR_MALFORMED);
    }
}

static void test_version_cmp__orders_by_stability_then_age(void **state)
{
    (void)state;
    static const char *const ascending[] = {
        "banana",  "foo",     "v1alpha1", "v1alpha10", "v2alpha1",
        "v1beta1", "v3beta2", "v1",       "v2",        "v10",
    };
    for (size_t i = 0; i < ARRAY_LEN(ascending); i++) {
        for (size_t k = 0; k < ARRAY_LEN(ascending); k++) {
            int got = cli_version_cmp(str_from(ascending[i]), str_from(ascending[k]));
            assert_int_equal(got < 0 ? -1 : got > 0, i < k ? -1 : i > k);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_find__looks_names_up),
        cmocka_unit_test(test_kinds_find_body__wants_version_and_kind_exactly),
        cmocka_unit_test(test_kinds_read__refuses_what_is_no_cupd),
        cmocka_unit_test(test_version_cmp__orders_by_stability_then_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
