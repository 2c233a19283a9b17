#include "scm/rest.h"
#include "scm/testing_forge.h"

#define TOKEN "secret-token-31415"

struct bench {
    struct scripted_forge forge;
    struct scm_rest rest;
    struct scm_call call;
    struct scm_answer answer;
    struct err err;
};

static void set_up(struct bench *b, const struct scripted_answer *answers, size_t count)
{
    *b = (struct bench){0};
    scripted_forge_start(&b->forge, answers, count);
    b->rest = (struct scm_rest){
        .forge = "testforge",
        .http = b->forge.http,
        .api = mem_strdup(b->forge.url),
        .token = mem_strdup(TOKEN),
        .token_header = "PRIVATE-TOKEN",
        .token_prefix = "",
        .clock = &b->forge.clock,
    };
    scm_rest_init(&b->rest);
    b->call = scm_call_begin(&b->rest);
}
#define SET_UP(b, ...)                                                                             \
    static const struct scripted_answer answers[] = {__VA_ARGS__};                                 \
    struct bench b;                                                                                \
    set_up(&b, answers, ARRAY_LEN(answers))

static void tear_down(struct bench *b)
{
    if (strstr(b->err.text, TOKEN) != NULL)
        fail_msg("the token is shown: %s", b->err.text);
    scm_answer_deinit(&b->answer);
    scm_rest_deinit(&b->rest);
    scripted_forge_stop(&b->forge);
}

static enum err_kind ask(struct bench *b, const char *method, bool is_single)
{
    struct scm_request q = {.method = method, .path = "/x", .is_single = is_single};
    scm_answer_deinit(&b->answer);
    return scm_send(&b->call, &q, &b->answer, &b->err);
}

static void test_send__asks_with_the_token_and_reads_json(void **state)
{
    (void)state;
    SET_UP(b, {200, NULL, "{\"a\":\"b\"}"});
    assert_int_equal(ask(&b, "GET", false), ERR_OK);
    assert_true(str_eqz(json_str(json_get(b.answer.json, "a")), "b"));
    assert_int_equal(times_asked(&b.forge, "PRIVATE-TOKEN: " TOKEN), 1);
    tear_down(&b);
}

static void test_send__what_may_have_been_done_is_not_simply_sent_again(void **state)
{
    (void)state;
    static const struct {
        struct scripted_answer first;
        bool is_single;
        size_t asked;
        enum err_kind kind;
    } ROWS[] = {
        {{500, NULL, NULL}, false, 2, ERR_OK},
        {{503, NULL, NULL}, false, 2, ERR_OK},
        {{0, NULL, NULL}, false, 2, ERR_OK},
        {{500, NULL, NULL}, true, 1, ERR_FAILED},
        {{0, NULL, NULL}, true, 1, ERR_UNAVAILABLE},
        {{429, "Retry-After: 1\r\n", NULL}, true, 2, ERR_OK}, /* was not done */
        {{422, NULL, NULL}, false, 1, ERR_OK},
        {{404, NULL, NULL}, false, 1, ERR_OK},
        {{401, NULL, NULL}, false, 1, ERR_FAILED},
        {{501, NULL, NULL}, false, 1, ERR_FAILED},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        const struct scripted_answer answers[] = {ROWS[i].first, {200, NULL, "{}"}};
        struct bench b;
        set_up(&b, answers, ARRAY_LEN(answers));
        enum err_kind r = ask(&b, "POST", ROWS[i].is_single);
        if (r != ROWS[i].kind || b.forge.asked != ROWS[i].asked)
            fail_msg("row %zu: kind %d, asked %zu times: %s", i, r, b.forge.asked, b.err.text);
        if (r != ERR_OK && ROWS[i].is_single)
            assert_true(b.answer.is_uncertain);
        tear_down(&b);
    }
}

static void test_limit__is_waited_for_when_it_is_short_and_named_when_it_is_long(void **state)
{
    (void)state;
    static const struct {
        struct scripted_answer limit;
        int64_t waited_ms; /* -1: it is not waited for */
        const char *says;
    } ROWS[] = {
        {{429, "Retry-After: 3\r\n", NULL}, 3000, ""},
        {{403, "Retry-After: 2\r\n", NULL}, 2000, ""},
        {{403, "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1700000005\r\n", NULL}, 6000, ""},
        {{429, "RateLimit-Remaining: 0\r\nRateLimit-Reset: 1700000001\r\n", NULL}, 2000, ""},
        {{429, "Retry-After: 3600\r\n", NULL}, -1, "2023-11-14T23:13:20Z"},
        {{403, "X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 1700001000\r\n", NULL},
         -1,
         "2023-11-14T22:30:01Z"},
        {{429, NULL, NULL}, -1, "2023-11-14T22:14:20Z"}, /* a minute */
        {{429, "Retry-After: 99999999999\r\n", NULL}, -1, "2023-11-15T22:13:20Z"},
        {{429, "Retry-After: soon\r\n", NULL}, 1000, ""},
        {{429, "Retry-After: -1\r\n", NULL}, 1000, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        const struct scripted_answer answers[] = {ROWS[i].limit, {200, NULL, "{}"}};
        struct bench b;
        set_up(&b, answers, ARRAY_LEN(answers));
        enum err_kind r = ask(&b, "GET", false);
        bool is_good = ROWS[i].waited_ms >= 0
            ? r == ERR_OK && b.forge.waited_ms == ROWS[i].waited_ms
            : r == ERR_UNAVAILABLE && strstr(b.err.text, ROWS[i].says) != NULL;
        if (!is_good)
            fail_msg(
                "row %zu: kind %d, waited %lld ms: %s", i, r, (long long)b.forge.waited_ms,
                b.err.text);
        tear_down(&b);
    }
}

static void test_limit__holds_for_other_operations_too(void **state)
{
    (void)state;
    SET_UP(b, {429, "Retry-After: 600\r\n", NULL}, {200, NULL, "{}"});
    assert_int_equal(ask(&b, "GET", false), ERR_UNAVAILABLE);
    assert_int_equal(ask(&b, "GET", false), ERR_UNAVAILABLE);
    assert_int_equal(b.forge.asked, 1);
    b.forge.now_ms += 600 * 1000;
    assert_int_equal(ask(&b, "GET", false), ERR_OK);
    tear_down(&b);
}

static void test_denied__without_a_limit_is_no_limit(void **state)
{
    (void)state;
    SET_UP(b, {403, "X-RateLimit-Remaining: 4999\r\n", "{\"message\":\"not yours\"}"});
    assert_int_equal(ask(&b, "GET", false), ERR_OK);
    assert_int_equal(scm_refused(&b.call, &b.answer, "looking", &b.err), ERR_DENIED);
    assert_non_null(strstr(b.err.text, "not yours"));
    tear_down(&b);
}

static void test_words__are_those_of_the_forge_on_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        const char *words;
    } ROWS[] = {
        {"{\"message\":\"no\"}", ": no"},
        {"{\"message\":\"no\",\"errors\":[{\"field\":\"head\",\"code\":\"invalid\"}]}",
         ": no; head; invalid"},
        {"{\"message\":[\"one\",\"two\"]}", ": one; two"},
        {"{\"message\":{\"title\":[\"too long\"]}}", ": too long"},
        {"{\"error\":\"no\\u001b[2J\\u0007\"}", ": no [2J "},
        {"{\"message\":\"one\\ntwo\"}", ": one"},
        {"[]", ""},
        {"no JSON", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        char words[SCM_WORDS_MAX];
        const struct scripted_answer answers[] = {{422, NULL, ROWS[i].body}};
        struct bench b;
        set_up(&b, answers, ARRAY_LEN(answers));
        assert_int_equal(ask(&b, "GET", false), ERR_OK);
        assert_string_equal(scm_answer_words(&b.answer, words), ROWS[i].words);
        tear_down(&b);
    }
}

static void test_redirect__stays_within_the_origin(void **state)
{
    (void)state;
    SET_UP(b, {301, "Location: /moved\r\n", NULL}, {200, NULL, "{}"});
    assert_int_equal(ask(&b, "GET", false), ERR_OK);
    assert_int_equal(times_asked(&b.forge, "GET /moved"), 1);
    tear_down(&b);
}

static void test_redirect__never_carries_the_token_elsewhere(void **state)
{
    (void)state;
    struct scripted_forge evil;
    scripted_forge_start(&evil, NULL, 0);
    autofree char *header = mem_printf("Location: %s/x\r\n", evil.url);
    const struct scripted_answer answers[] = {{307, header, NULL}};
    struct bench b;
    set_up(&b, answers, ARRAY_LEN(answers));
    assert_int_equal(ask(&b, "GET", false), ERR_FAILED);
    assert_non_null(strstr(b.err.text, "moved"));
    assert_int_equal(evil.asked, 0);
    tear_down(&b);
    scripted_forge_stop(&evil);
}

static void test_redirect__of_a_change_that_would_become_a_get_is_not_followed(void **state)
{
    (void)state;
    SET_UP(b, {301, "Location: /moved\r\n", NULL});
    assert_int_equal(ask(&b, "POST", true), ERR_FAILED);
    assert_int_equal(b.forge.asked, 1);
    tear_down(&b);
}

static void test_send__takes_no_page_for_json(void **state)
{
    (void)state;
    SET_UP(b, {200, NULL, "<html>sign in</html>"});
    assert_int_equal(ask(&b, "GET", false), ERR_FAILED);
    assert_non_null(strstr(b.err.text, "-api-git-scm-url"));
    tear_down(&b);
}

/* --- pages -------------------------------------------------------------------------------------------- */

static bool count_items(yyjson_val *item, void *data)
{
    (void)item;
    ++*(size_t *)data;
    return true;
}

static void test_each__follows_pages_up_to_a_bound(void **state)
{
    (void)state;
    static const char next[] = "Link: </x?page=2>; rel=\"next\"\r\n";
    static const struct scripted_answer answers[] = {
        {200, next, "[1,2]"}, {200, next, "[3]"}, {200, next, "[4]"}};
    struct bench b;
    size_t count = 0;
    bool is_cut = false;
    set_up(&b, answers, ARRAY_LEN(answers));
    assert_int_equal(
        scm_each(&b.call, "/x", 3, "listing", count_items, &count, &is_cut, &b.err), ERR_OK);
    assert_int_equal(count, 4);
    assert_true(is_cut);
    tear_down(&b);
}

static void test_each__does_not_follow_a_page_to_another_host(void **state)
{
    (void)state;
    SET_UP(b, {200, "Link: <http://127.0.0.1:1/x>; rel=\"next\"\r\n", "[]"});
    size_t count = 0;
    assert_int_equal(
        scm_each(&b.call, "/x", 3, "listing", count_items, &count, NULL, &b.err), ERR_FAILED);
    tear_down(&b);
}

static void test_each__no_such_repository_is_not_an_empty_list(void **state)
{
    (void)state;
    SET_UP(b, {404, NULL, "{\"message\":\"Not Found\"}"});
    size_t count = 0;
    assert_int_equal(
        scm_each(&b.call, "/x", 3, "listing", count_items, &count, NULL, &b.err), ERR_FAILED);
    assert_non_null(strstr(b.err.text, "no such repository"));
    tear_down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_send__asks_with_the_token_and_reads_json),
        cmocka_unit_test(test_send__what_may_have_been_done_is_not_simply_sent_again),
        cmocka_unit_test(test_send__takes_no_page_for_json),
        cmocka_unit_test(test_limit__is_waited_for_when_it_is_short_and_named_when_it_is_long),
        cmocka_unit_test(test_limit__holds_for_other_operations_too),
        cmocka_unit_test(test_denied__without_a_limit_is_no_limit),
        cmocka_unit_test(test_words__are_those_of_the_forge_on_one_line),
        cmocka_unit_test(test_redirect__stays_within_the_origin),
        cmocka_unit_test(test_redirect__never_carries_the_token_elsewhere),
        cmocka_unit_test(test_redirect__of_a_change_that_would_become_a_get_is_not_followed),
        cmocka_unit_test(test_each__follows_pages_up_to_a_bound),
        cmocka_unit_test(test_each__does_not_follow_a_page_to_another_host),
        cmocka_unit_test(test_each__no_such_repository_is_not_an_empty_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
