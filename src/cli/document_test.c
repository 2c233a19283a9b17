#include "cli/document.h"
#include "cli/testing.h"

static void test_documents_add__splits_texts(void **state)
{
    (void)state;
    static const struct {
        bool is_yaml;
        const char *text;
        const char *want; /* "where=text" of each, a newline behind */
    } rows[] = {
        {false, " {\"a\":1.0}\n", "f={\"a\":1.0}\n"},
        {false, "{\"a\":1}{\"b\":2}\n\n {\"c\":3}",
         "f={\"a\":1}\nf, document 2={\"b\":2}\nf, document 3={\"c\":3}\n"},
        {true, "a: 1.0\n---\nb: 12345678901234567890\n",
         "f={\"a\":1.0}\nf, document 2={\"b\":12345678901234567890}\n"},
        {true, "{\"a\": 1}\n", "f={\"a\":1}\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_documents struct cli_documents documents = {0};
        autobuf struct buf got = {0};
        assert_int_equal(
            cli_documents_add(&documents, "f", str_from(rows[i].text), rows[i].is_yaml, NULL),
            ERR_OK);
        for (size_t k = 0; k < documents.count; k++)
            buf_printf(&got, "%s=%s\n", documents.items[k].where, documents.items[k].text);
        assert_string_equal(got.p, rows[i].want);
    }
}

static void test_documents_add__names_the_place_of_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        bool is_yaml;
        const char *text;
        const char *words;
    } rows[] = {
        {false, "", "f holds no document"},
        {false, " \n", "f holds no document"},
        {false, "junk", "f: not JSON"},
        {false, "{\"a\":1} {\"b\"", "f, document 2: not JSON"},
        {true, "# nothing\n---\n", "f holds no document"},
        {true, "a: [\n", "f: line"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_documents struct cli_documents documents = {0};
        struct err err = {0};
        enum err_kind r =
            cli_documents_add(&documents, "f", str_from(rows[i].text), rows[i].is_yaml, &err);
        assert_int_equal(r, ERR_MALFORMED);
        assert_true(str_starts(str_from(err.text), str_from(rows[i].words)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents_add__splits_texts),
        cmocka_unit_test(test_documents_add__names_the_place_of_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
