#include "base/testing.h"
#include "oci/warning.h"

#include <stdio.h>

static void keep_note(void *data, const char *text)
{
    char *notes = data;
    size_t n = strlen(notes);
    snprintf(notes + n, 2048 - n, "%s\n", text);
}

static void test_warning__only_code_299_with_a_quoted_text(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        const char *text; /* NULL: not told */
    } ROWS[] = {
        {"299 - \"moves to r2\"", "moves to r2"},
        {"299 - \"a \\\"quoted\\\" word\"", "a \"quoted\" word"},
        {"  299   \"x\"", "x"}, /* lenient: no agent */
        {"199 - \"x\"", NULL},
        {"299 - x", NULL},
        {"299 - \"open", NULL},
        {"299 -", NULL},
        {"299", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        autobuf struct buf text = {0};
        bool is_told = oci_warning_parse(str_from(ROWS[i].value), &text);
        if (is_told != (ROWS[i].text != NULL) ||
            (is_told && !str_eqz(buf_view(&text), ROWS[i].text)))
            fail_msg("'%s'", ROWS[i].value);
    }
}

static void test_warnings__are_told_once_each_and_fit_for_a_terminal(void **state)
{
    (void)state;
    char notes[2048] = "";
    struct oci_warnings *w = oci_warnings_new(keep_note, notes);
    struct http_client_response p = {0};
    buf_text(&p.headers, "Warning: 299 - \"old\"\r\nWarning: 299 - \"\x1b[2Jbad\"\r\n");
    oci_warnings_tell(w, "r:5000", &p);
    oci_warnings_tell(w, "r:5000", &p);
    assert_string_equal(notes, "r:5000: warning: old\nr:5000: warning: \\x1b[2Jbad\n");
    http_client_response_deinit(&p);
    oci_warnings_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_warning__only_code_299_with_a_quoted_text),
        cmocka_unit_test(test_warnings__are_told_once_each_and_fit_for_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
