#include "base/testing.h"
#include "http/link.h"

static void test_link_next__is_the_url_of_rel_next(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        const char *url; /* NULL: none */
    } rows[] = {
        {"</v2/a/tags/list?last=b&n=2>; rel=\"next\"", "/v2/a/tags/list?last=b&n=2"},
        {"</v2/x>;rel=next", "/v2/x"},
        {"<https://h/v2/x>; title=t; REL=\"NEXT\"", "https://h/v2/x"},
        {"</first>; rel=\"first\", </second>; rel=\"next\"", "/second"},
        {"</a,b>; rel=\"next\"", "/a,b"},
        {"</a>; rel=\"prev\"", NULL},
        {"</a>", NULL},
        {"</a; rel=\"next\"", NULL},
        {"a; rel=\"next\"", NULL},
        {"<", NULL},
        {"<>; rel", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str url = http_link_next_of(str_from(rows[i].header));
        if (rows[i].url == NULL)
            assert_null(url.p);
        else
            assert_true(str_eqz(url, rows[i].url));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_next__is_the_url_of_rel_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
