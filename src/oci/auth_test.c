#include "http/testing_server.h"
#include "oci/auth.h"
#include "oci/credentials.h"
#include "oci/image.h"

/* A registry with its token server on the same port. */
struct registry {
    struct test_server server;
    atomic_int requests; /* of the registry itself */
    atomic_int tokens;   /* token requests */
    const char *token;   /* what a request must carry */
    const char *given;   /* what the token server gives */
    int post_status;     /* of a POST to it; 0: as GET */
    int token_status;
    int refusal;          /* of a token that is not taken; 0: 401 with a challenge */
    int64_t delay_us;     /* of the token server */
    atomic_int failures;  /* answers with `failure` before the good ones */
    const char *failure;  /* header lines of a 503 */
    pthread_mutex_t lock; /* guards last_ask */
    char last_ask[1024];
};

static void answer_token(struct registry *r, struct str request, struct buf *ret)
{
    atomic_fetch_add(&r->tokens, 1);
    pthread_mutex_lock(&r->lock);
    snprintf(r->last_ask, sizeof(r->last_ask), STR_FMT, STR_ARG(request));
    pthread_mutex_unlock(&r->lock);
    if (r->delay_us > 0)
        usleep((useconds_t)r->delay_us);
    autofree char *body = mem_printf("{\"token\":\"%s\",\"expires_in\":300}", r->given);
    bool is_post = str_starts(request, STR("POST"));
    test_answer(ret, is_post && r->post_status != 0 ? r->post_status : r->token_status, "", body);
}

static void answer_registry(void *data, struct str request, struct buf *ret)
{
    struct registry *r = data;
    struct str rest = request;
    struct str line = str_cut(&rest, '\n');
    if (str_search(line, STR(" /token")) >= 0) {
        answer_token(r, request, ret);
        return;
    }
    atomic_fetch_add(&r->requests, 1);
    if (r->failure != NULL && atomic_fetch_sub(&r->failures, 1) > 0) {
        test_answer(ret, 503, r->failure, "");
        return;
    }
    autofree char *wanted = mem_printf("\r\nAuthorization: Bearer %s\r\n", r->token);
    if (str_search(request, str_from(wanted)) >= 0) {
        test_answer(ret, 200, "", "done");
        return;
    }
    if (r->refusal != 0 && str_search(request, STR("\r\nAuthorization: Bearer ")) >= 0) {
        test_answer(ret, r->refusal, "", "");
        return;
    }
    autofree char *challenge = mem_printf(
        "WWW-Authenticate: Bearer "
        "realm=\"http://%s/token\",service=\"s\",scope=\"repository:a/b:pull\"\r\n",
        r->server.host);
    test_answer(ret, 401, challenge, "");
}

static void registry_start(struct registry *r)
{
    *r = (struct registry){.token = "good", .given = "good", .token_status = 200};
    pthread_mutex_init(&r->lock, NULL);
    test_server_start(&r->server, answer_registry, r);
}

/* Time that passes without waiting, and what the user was told. */
struct fake {
    int64_t slept_ms;
    char notes[1024];
};

static int64_t fake_unix_ms(void *data)
{
    (void)data;
    return 0;
}

static void fake_sleep_ms(void *data, int64_t ms)
{
    ((struct fake *)data)->slept_ms += ms;
}

static uint32_t fake_random(void *data)
{
    (void)data;
    return 0;
}

static void fake_note(void *data, const char *text)
{
    struct fake *f = data;
    size_t n = strlen(f->notes);
    snprintf(f->notes + n, sizeof(f->notes) - n, "%s\n", text);
}

static struct oci_transport *new_transport(void)
{
    struct oci_session_options options = {.is_plain_http = true};
    struct oci_transport *t = NULL;
    assert_int_equal(oci_transport_new(&options, &t, NULL), ERR_OK);
    return t;
}

static enum err_kind
get(struct oci_transport *t, const char *host, const char *scope, int *ret_status, struct err *err)
{
    struct oci_request q = {
        .host = host, .scope = scope, .target = "/v2/a/b/tags/list", .http = {.method = "GET"}};
    struct http_client_response p = {0};
    enum err_kind r = oci_transport_send(t, &q, &p, err);
    *ret_status = p.status;
    http_client_response_deinit(&p);
    return r;
}

struct worker {
    pthread_t thread;
    struct oci_transport *t;
    const char *host;
    int status;
};

static void *work(void *data)
{
    struct worker *w = data;
    (void)!get(w->t, w->host, "repository:a/b:pull", &w->status, NULL);
    return NULL;
}

static void test_transport__asks_for_one_token_however_many_wait(void **state)
{
    (void)state;
    struct registry r;
    struct worker workers[12];
    registry_start(&r);
    r.delay_us = 100000;
    struct oci_transport *t = new_transport();
    for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
        workers[i] = (struct worker){.t = t, .host = r.server.host};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].status, 200);
    }
    assert_int_equal(atomic_load(&r.tokens), 1);
    oci_transport_free(t);
    test_server_stop(&r.server);
}

static void test_transport__keeps_a_token_by_host_and_sorted_scopes(void **state)
{
    (void)state;
    struct registry r;
    int status;
    registry_start(&r);
    struct oci_transport *t = new_transport();
    const char *host = r.server.host;
    assert_int_equal(
        get(t, host, "repository:a/b:push,pull repository:c/d:pull", &status, NULL), 0);
    assert_int_equal(
        get(t, host, "repository:c/d:pull repository:a/b:pull,push", &status, NULL), 0);
    assert_int_equal(atomic_load(&r.tokens), 1);
    assert_int_equal(atomic_load(&r.requests), 3);
    assert_non_null(strstr(
        r.last_ask,
        "GET /token?service=s&scope=repository%3Aa%2Fb%3Apull%2Cpush"
        "&scope=repository%3Ac%2Fd%3Apull HTTP"));
    assert_int_equal(get(t, host, "repository:a/b:pull", &status, NULL), 0);
    assert_int_equal(atomic_load(&r.tokens), 2);
    oci_transport_free(t);
    test_server_stop(&r.server);
}

static void test_transport__posts_an_identity_token_and_falls_back_to_get_on_404(void **state)
{
    (void)state;
    struct registry r;
    int status;
    char identity[] = "id&token";
    struct oci_credential credential = {.identity_token = identity};
    registry_start(&r);
    struct oci_transport *t = new_transport();
    oci_transport_set_credential(t, r.server.host, &credential);
    assert_int_equal(
        get(t, r.server.host, "repository:a/b:pull repository:c/d:pull", &status, NULL), ERR_OK);
    assert_non_null(strstr(r.last_ask, "POST /token HTTP"));
    assert_non_null(strstr(
        r.last_ask,
        "grant_type=refresh_token&client_id=cup&refresh_token=id%26token&service=s"
        "&scope=repository%3Aa%2Fb%3Apull%20repository%3Ac%2Fd%3Apull"));
    r.post_status = 404;
    assert_int_equal(get(t, r.server.host, "repository:a/b:push", &status, NULL), ERR_OK);
    assert_int_equal(status, 200);
    assert_int_equal(atomic_load(&r.tokens), 3);
    assert_non_null(strstr(r.last_ask, "GET /token?"));
    oci_transport_free(t);
    test_server_stop(&r.server);
}

static void t_adv_16_a_401_that_stays_is_one_clear_error(void **state)
{
    (void)state;
    struct registry r;
    struct err err = {0};
    int status;
    registry_start(&r);
    r.given = "bad";
    struct oci_transport *t = new_transport();
    assert_int_equal(
        get(t, r.server.host, "repository:a/b:pull", &status, &err), ERR_UNAUTHENTICATED);
    assert_non_null(strstr(err.text, "does not take the credentials for repository:a/b:pull"));
    assert_int_equal(atomic_load(&r.tokens), 1);
    assert_int_equal(atomic_load(&r.requests), 2);
    oci_transport_free(t);
    test_server_stop(&r.server);
}

static void test_transport__names_the_action_that_a_token_does_not_grant(void **state)
{
    (void)state;
    struct registry r;
    struct err err = {0};
    int status;
    registry_start(&r);
    /* {"access":[{"type":"repository","name":"a/b","actions":["pull"]}]} */
    r.given = "e30."
              "eyJhY2Nlc3MiOlt7InR5cGUiOiJyZXBvc2l0b3J5IiwibmFtZSI6ImEvYiIsImFjdGlvbnMiOlsicHVsbCJd"
              "fV19.c2ln";
    struct oci_transport *t = new_transport();
    assert_int_equal(
        get(t, r.server.host, "repository:a/b:pull,push", &status, &err), ERR_UNAUTHENTICATED);
    assert_non_null(strstr(err.text, "does not grant action 'push' on 'repository:a/b'"));
    oci_transport_free(t);
    t = new_transport();
    r.refusal = 403;
    assert_int_equal(get(t, r.server.host, "repository:a/b:pull,push", &status, &err), ERR_DENIED);
    assert_non_null(strstr(err.text, "does not grant action 'push' on 'repository:a/b'"));
    assert_int_equal(get(t, r.server.host, "repository:a/b:pull", &status, &err), ERR_OK);
    assert_int_equal(status, 403);
    oci_transport_free(t);
    test_server_stop(&r.server);
}

static void test_transport__shares_the_failure_of_a_token_request(void **state)
{
    (void)state;
    struct registry r;
    struct worker workers[8];
    registry_start(&r);
    r.delay_us = 200000;
    r.token_status = 403;
    struct oci_transport *t = new_transport();
    for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
        workers[i] = (struct worker){.t = t, .host = r.server.host};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(workers); i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_not_equal(workers[i].status, 200);
    }
    assert_true(atomic_load(&r.tokens) < (int)ARRAY_LEN(workers));
    oci_transport_free(t);
    test_server_stop(&r.server);
}

static void t_adv_14_the_transport_waits_as_it_is_told_and_says_so(void **state)
{
    (void)state;
    struct registry r;
    struct fake f = {0};
    struct http_retry_clock clock = {fake_unix_ms, fake_sleep_ms, fake_random, &f};
    struct oci_session_options options = {
        .is_plain_http = true, .note = fake_note, .note_data = &f};
    struct oci_transport *t = NULL;
    int status;
    registry_start(&r);
    r.failure = "Retry-After: 7\r\nWarning: 299 - \"it moves\"\r\n";
    atomic_store(&r.failures, 2);
    assert_int_equal(oci_transport_new(&options, &t, NULL), ERR_OK);
    oci_transport_set_clock(t, &clock);
    assert_int_equal(get(t, r.server.host, "repository:a/b:pull", &status, NULL), ERR_OK);
    assert_int_equal(status, 200);
    assert_int_equal(f.slept_ms, 14000);
    autofree char *wanted = mem_printf(
        "%s: warning: it moves\n%s: status 503, next try in 7 s (2 of 6)\n"
        "%s: status 503, next try in 7 s (3 of 6)\n",
        r.server.host, r.server.host, r.server.host);
    assert_string_equal(f.notes, wanted);
    oci_transport_free(t);
    test_server_stop(&r.server);
}

static void t_adv_16_a_token_that_is_no_longer_taken_is_renewed_once(void **state)
{
    (void)state;
    struct registry r;
    int status;
    registry_start(&r);
    struct oci_transport *t = new_transport();
    for (int i = 0; i < 2; i++)
        assert_int_equal(get(t, r.server.host, "repository:a/b:push", &status, NULL), ERR_OK);
    r.token = r.given = "better";
    assert_int_equal(get(t, r.server.host, "repository:a/b:push", &status, NULL), ERR_OK);
    assert_int_equal(status, 200);
    assert_int_equal(atomic_load(&r.tokens), 2);
    assert_int_equal(atomic_load(&r.requests), 5);
    oci_transport_free(t);
    test_server_stop(&r.server);
}

/* A registry that sends a download to the other one, which asks for a token of its own realm. */
static void answer_redirect(void *data, struct str request, struct buf *ret)
{
    const struct registry *other = data;
    (void)request;
    autofree char *location = mem_printf("Location: http://%s/blob\r\n", other->server.host);
    test_answer(ret, 307, location, "");
}

static void test_transport__gives_nothing_to_a_challenge_behind_a_redirect(void **state)
{
    (void)state;
    struct registry other;
    struct test_server first;
    struct err err = {0};
    char user[] = "u", password[] = "p";
    struct oci_credential credential = {.username = user, .password = password};
    registry_start(&other);
    test_server_start(&first, answer_redirect, &other);
    struct oci_transport *t = new_transport();
    oci_transport_set_credential(t, first.host, &credential);
    struct oci_request q = {
        .host = first.host,
        .scope = "repository:a/b:pull",
        .target = "/v2/a/b/blobs/x",
        .http = {.method = "GET", .follow_redirects = true}};
    struct http_client_response p = {0};
    assert_int_equal(oci_transport_send(t, &q, &p, &err), ERR_UNAUTHENTICATED);
    http_client_response_deinit(&p);
    assert_non_null(strstr(err.text, "sends to another host, which asks for credentials"));
    assert_int_equal(atomic_load(&other.tokens), 0);
    oci_transport_free(t);
    test_server_stop(&first);
    test_server_stop(&other.server);
}

/* Another host that sends us back to the registry, and notes whether it was shown anything. */
struct boomerang {
    struct test_server server;
    const struct registry *registry;
    atomic_int shown;
};

static void answer_boomerang(void *data, struct str request, struct buf *ret)
{
    struct boomerang *b = data;
    if (str_search(request, STR("Authorization:")) >= 0)
        atomic_fetch_add(&b->shown, 1);
    autofree char *location =
        mem_printf("Location: http://%s/v2/a/b/blobs/x\r\n", b->registry->server.host);
    test_answer(ret, 307, location, "");
}

static void t_adv_11_another_host_that_leads_back_is_shown_nothing(void **state)
{
    (void)state;
    struct registry own;
    struct boomerang other = {.registry = &own};
    registry_start(&own);
    test_server_start(&other.server, answer_boomerang, &other);
    struct oci_transport *t = new_transport();
    autofree char *target = mem_printf("http://%s/upload", other.server.host);
    struct oci_request q = {
        .host = own.server.host,
        .scope = "repository:a/b:pull",
        .target = target,
        .http = {.method = "GET", .follow_redirects = true}};
    struct http_client_response p = {0};
    struct err err = {0};
    assert_int_equal(oci_transport_send(t, &q, &p, &err), ERR_UNAUTHENTICATED);
    http_client_response_deinit(&p);
    assert_int_equal(atomic_load(&other.shown), 0);
    oci_transport_free(t);
    test_server_stop(&other.server);
    test_server_stop(&own.server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transport__asks_for_one_token_however_many_wait),
        cmocka_unit_test(test_transport__keeps_a_token_by_host_and_sorted_scopes),
        cmocka_unit_test(test_transport__posts_an_identity_token_and_falls_back_to_get_on_404),
        cmocka_unit_test(t_adv_16_a_401_that_stays_is_one_clear_error),
        cmocka_unit_test(test_transport__names_the_action_that_a_token_does_not_grant),
        cmocka_unit_test(test_transport__shares_the_failure_of_a_token_request),
        cmocka_unit_test(t_adv_14_the_transport_waits_as_it_is_told_and_says_so),
        cmocka_unit_test(t_adv_16_a_token_that_is_no_longer_taken_is_renewed_once),
        cmocka_unit_test(test_transport__gives_nothing_to_a_challenge_behind_a_redirect),
        cmocka_unit_test(t_adv_11_another_host_that_leads_back_is_shown_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
