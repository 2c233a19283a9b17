/* Runs of cup against prepared answers: what is asked, what is printed, which exit code. */
#include "cli/server.h"
#include "cli/testing.h"

#define DEFINITION(plural, kind, singular, versions)                                               \
    "{\"apiVersion\":\"cup.flipt.io/v1alpha1\",\"kind\":\"ResourceDefinition\",\"metadata\":"      \
    "{\"name\":\"" plural ".demo.example\",\"labels\":null},\"names\":{\"kind\":\"" kind           \
    "\",\"singular\":\"" singular "\",\"plural\":\"" plural                                        \
    "\"},\"spec\":{\"group\":\"demo.example\",\"versions\":{" versions "}}}"
#define NOTES DEFINITION("notes", "Note", "note", "\"v1\":{}")
#define WIDGETS DEFINITION("widgets", "Widget", "widget", "\"v1\":{\"b\":1.0,\"a\":2},\"v2\":{}")
#define DEFINITIONS                                                                                \
    "{\"demo.example/v1/notes\":" NOTES ",\"demo.example/v1/widgets\":" WIDGETS                    \
    ",\"demo.example/v2/widgets\":" WIDGETS "}\n"
#define BIG                                                                                        \
    "{\"apiVersion\":\"demo.example/v2\",\"kind\":\"Widget\",\"metadata\":{\"namespace\":"         \
    "\"default\",\"name\":\"big\",\"labels\":{\"a\":\"2\",\"z\":\"1\"},\"annotations\":{}},"       \
    "\"spec\":{\"size\":3.0,\"n\":12345678901234567890,\"note\":\"a \\u003c b\"}}\n"
#define SMALL                                                                                      \
    "{\"apiVersion\":\"demo.example/v2\",\"kind\":\"Widget\",\"metadata\":{\"namespace\":"         \
    "\"default\",\"name\":\"small\",\"labels\":null,\"annotations\":null},\"spec\":{}}\n"
#define ID "01J00000000000000000000000"
#define RESULT                                                                                     \
    "{\"id\":\"" ID "\",\"empty\":false,\"proposal\":{\"source\":\"git\",\"url\":\"http://x/"      \
    "y\"}}\n"
#define LOCAL_RESULT "{\"id\":\"00000000000000000000000000\",\"empty\":false,\"proposal\":null}\n"
#define PROPOSAL                                                                                   \
    "{\"id\":\"" ID "\",\"state\":\"open\",\"title\":\"Put big\",\"source\":\"git\",\"url\":"      \
    "\"http://x/y\",\"branch\":\"cup/proposal/" ID "\",\"target\":\"main\",\"author\":\"me\","     \
    "\"created\":\"2026-01-01T00:00:00Z\",\"head\":\"aa\",\"base\":\"bb\",\"merged\":null,"        \
    "\"objects\":[{\"group\":\"demo.example\",\"version\":\"v2\",\"kind\":\"Widget\","             \
    "\"namespace\":\"default\",\"name\":\"big\"}]"
#define W "/apis/demo.example/v2/namespaces/default/widgets"
#define P "/apis/cup.flipt.io/v1alpha1/proposals"
#define C "/apis/cup.flipt.io/v1alpha1/controllers"
#define CHANGES "/apis/cup.flipt.io/v1alpha1/changes"
#define CONTROLLER                                                                                 \
    "{\"name\":\"flipt\",\"type\":\"wasm\",\"image\":{\"reference\":\"h/r:v1\",\"digest\":"        \
    "\"sha256:1\"},\"module\":\"sha256:2\",\"kinds\":[\"a/b/c\"],\"conditions\":[{\"type\":"       \
    "\"Ready\",\"status\":\"True\"}],\"error\":null}"

static const struct test_route routes[] = {
    {"GET /apis", 200, DEFINITIONS},
    {"GET " W, 200, BIG SMALL},
    {"GET " W "?revision=old", 200, SMALL},
    {"GET /apis/demo.example/v2/widgets", 200, BIG SMALL},
    {"GET " W "/big", 200, BIG},
    {"GET " W "/big?proposal=" ID, 200, BIG},
    {"GET " W "/none", 404, "{\"message\":\"no widgets 'none'\"}"},
    {"GET " W "/locked", 401, "{\"message\":\"who are you\"}"},
    {"GET /apis/demo.example/v2/namespaces/empty/widgets", 200, ""},
    {"GET /apis/demo.example/v1/namespaces/default/notes", 200, "<html>"},
    {"PUT " W "/big", 202, RESULT},
    {"PUT " W "/big?proposal=new", 202, RESULT},
    {"PUT " W "/big?dryRun=All", 202, LOCAL_RESULT},
    {"PUT " W "/small", 204, ""},
    {"PUT " W "/bad", 422,
     "{\"message\":\"widgets 'bad' is not "
     "valid\",\"details\":{\"causes\":[{\"field\":\"spec.size\","
     "\"message\":\"is no integer\"}]}}"},
    {"PUT /apis/demo.example/v2/namespaces/team/widgets/big", 202, LOCAL_RESULT},
    {"POST " CHANGES, 202, RESULT},
    {"POST " CHANGES "?message=refused", 422,
     "{\"message\":\"changes[1]: widgets 'bad' is not valid\",\"details\":{\"causes\":[{\"field\":"
     "\"changes[1].spec.size\",\"message\":\"is no integer\"}]}}"},
    {"DELETE " W "/big", 202, RESULT},
    {"DELETE " W "/small", 202, LOCAL_RESULT},
    {"GET " P, 200, "{\"items\":[" PROPOSAL "}]}"},
    {"GET " P "?state=all", 200, "{\"items\":[],\"metadata\":{\"continue\":\"9.x\"}}"},
    {"GET " P "?state=all&continue=9.x", 200, "{\"items\":[" PROPOSAL "}],\"metadata\":{}}"},
    {"GET " P "?object=demo.example%2Fv2%2Fwidgets%2Fdefault%2Fbig&limit=1", 200,
     "{\"items\":[" PROPOSAL "}],\"metadata\":{\"continue\":\"8.y\"}}"},
    {"GET " W "/big/history?limit=3", 200,
     "{\"items\":[{\"commit\":\"a1\",\"change\":\"changed\"}],\"metadata\":{\"continue\":\"a0\"}}"},
    {"GET " W "/big/history?limit=2&continue=a0", 200,
     "{\"items\":[{\"commit\":\"a0\",\"change\":\"created\"}],\"metadata\":{}}"},
    {"GET " W "/none/history", 200, "{\"items\":[],\"metadata\":{}}"},
    {"GET " P "/" ID, 200, PROPOSAL "}"},
    {"GET " P "/" ID "?diff=1", 200,
     PROPOSAL ",\"diff\":\"--- a\\n+++ b\\n-x\\n+y\\u001b[2J\\n\"}"},
    {"POST " P "/" ID "/merge", 200, PROPOSAL "}"},
    {"DELETE " P "/" ID, 409, "{\"message\":\"merged already\"}"},
    {"GET " C, 200, "{\"items\":[" CONTROLLER "]}"},
    {"GET " C "/flipt", 200, CONTROLLER},
    {0},
};

struct row {
    const char *args[8];
    const char *input;
    int code;
    const char *out;   /* NULL: not looked at */
    const char *notes; /* the same */
    const char *asked; /* the same; without the first line "GET /apis" */
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        auto_run struct test_run t;
        struct test_server server;
        test_run_init(&t);
        test_server_start(&server, routes, &t);
        t.input = rows[i].input;
        test_run_cup(&t, rows[i].args);
        autofree char *log = test_server_stop(&server);
        const char *asked = log;
        if (strncmp(asked, "GET /apis\n", 10) == 0)
            asked += 10;
        if (rows[i].out != NULL)
            assert_string_equal(t.out, rows[i].out);
        if (rows[i].notes != NULL)
            assert_string_equal(t.notes, rows[i].notes);
        if (rows[i].asked != NULL)
            assert_string_equal(asked, rows[i].asked);
        assert_int_equal(t.code, rows[i].code);
    }
}

#define ROW_BIG "default     big     \n"
#define ROW_SMALL "default     small   \n"
#define HEAD "NAMESPACE   NAME    \n"
#define JSON_BIG                                                                                   \
    "{\n  \"apiVersion\": \"demo.example/v2\",\n  \"kind\": \"Widget\",\n  \"metadata\": {\n"      \
    "    \"namespace\": \"default\",\n    \"name\": \"big\",\n    \"labels\": {\n"                 \
    "      \"a\": \"2\",\n      \"z\": \"1\"\n    },\n    \"annotations\": {}\n  },\n"             \
    "  \"spec\": {\n    \"size\": 3.0,\n    \"n\": 12345678901234567890,\n"                        \
    "    \"note\": \"a \\u003c b\"\n  }\n}\n"

static void test_get__prints_what_upstream_prints(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{"get", "widgets"}, NULL, 0, HEAD ROW_BIG ROW_SMALL, "", "GET " W "\n"},
        {{"get", "widgets", "big"},
         NULL,
         0,
         "NAMESPACE   NAME   \ndefault     big    \n",
         "",
         "GET " W "/big\n"},
        {{"-o", "json", "get", "Widget", "big"}, NULL, 0, JSON_BIG, "", NULL},
        {{"get", "widget", "small", "big"}, NULL, 0, HEAD ROW_BIG ROW_SMALL, "", "GET " W "\n"},
        {{"get", "widgets", "small", "nope"},
         NULL,
         3,
         HEAD ROW_SMALL,
         "cup: no widgets 'nope' in namespace 'default'\n",
         NULL},
        {{"get", "widgets", "none"},
         NULL,
         3,
         "",
         "cup: getting widgets 'none' in namespace 'default': no widgets 'none'\n",
         NULL},
        {{"get", "widgets", "-n", "empty"}, NULL, 0, "", "", NULL},
        {{"get", "widgets", "-n", "empty", "-o", "json"}, NULL, 0, "", "", NULL},
        {{"get", "demo.example/v2/widgets", "big", "-o", "name"},
         NULL,
         0,
         "big\n",
         "",
         "GET " W "/big\n"},
        {{"get", "widgets", "-A", "-o", "name"},
         NULL,
         0,
         "default/big\ndefault/small\n",
         "",
         "GET /apis/demo.example/v2/widgets\n"},
        {{"get", "widgets", "-o", "wide"},
         NULL,
         0,
         "NAMESPACE   NAME    APIVERSION        KIND     LABELS    \n"
         "default     big     demo.example/v2   Widget   a=2,z=1   \n"
         "default     small   demo.example/v2   Widget   -         \n",
         "",
         NULL},
        {{"get", "widgets", "big", "--proposal", ID, "-o", "name"}, NULL, 0, "big\n", "", NULL},
        {{"get", "widgets", "--revision", "old", "-o", "name"}, NULL, 0, "small\n", "", NULL},
        {{"get", "widgets", "-n", "*"},
         NULL,
         2,
         "",
         "cup: namespace '*' is not a name\n  'cup get TYPE -A' lists across all namespaces\n",
         ""},
        {{"get", "widgets", ".."}, NULL, 6, "", "cup: '..' is not a name\n", ""},
        {{"get", "widgets", ""}, NULL, 6, "", NULL, ""},
        {{"get", "bogus"},
         NULL,
         3,
         "",
         "cup: the server has no type 'bogus'\n  'cup definitions' lists the types\n",
         ""},
        {{"get", "widgets", "locked"},
         NULL,
         4,
         "",
         "cup: getting widgets 'locked' in namespace 'default': who are you\n"
         "  set CUP_TOKEN to a token of this server\n",
         NULL},
        {{"get", "notes"}, NULL, 6, "", NULL, NULL},
        {{"get", "widgets", "-A", "-n", "x"}, NULL, 2, "", NULL, ""},
    };
    check(rows, ARRAY_LEN(rows));
}

static void test_definitions__prints_each_once(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{"defs"},
         NULL,
         0,
         "NAMESPACE   APIVERSION        KIND     \n"
         "notes       demo.example/v1   Note     \n"
         "widgets     demo.example/v1   Widget   \n"
         "widgets     demo.example/v2   Widget   \n",
         "",
         ""},
        {{"definitions", "-o", "name"},
         NULL,
         0,
         "notes.demo.example\nwidgets.demo.example\n",
         "",
         ""},
        {{"api-resources", "-o", "json"},
         NULL,
         0,
         "{\n  \"apiVersion\": \"cup.flipt.io/v1alpha1\",\n  \"kind\": \"ResourceDefinition\",\n"
         "  \"metadata\": {\n    \"name\": \"notes.demo.example\",\n    \"labels\": null\n  },\n"
         "  \"names\": {\n    \"kind\": \"Note\",\n    \"singular\": \"note\",\n"
         "    \"plural\": \"notes\"\n  },\n  \"spec\": {\n    \"group\": \"demo.example\",\n"
         "    \"versions\": {\n      \"v1\": {}\n    }\n  }\n}\n"
         "{\n  \"apiVersion\": \"cup.flipt.io/v1alpha1\",\n  \"kind\": \"ResourceDefinition\",\n"
         "  \"metadata\": {\n    \"name\": \"widgets.demo.example\",\n    \"labels\": null\n  },\n"
         "  \"names\": {\n    \"kind\": \"Widget\",\n    \"singular\": \"widget\",\n"
         "    \"plural\": \"widgets\"\n  },\n  \"spec\": {\n    \"group\": \"demo.example\",\n"
         "    \"versions\": {\n      \"v1\": {\n        \"b\": 1.0,\n        \"a\": 2\n      },\n"
         "      \"v2\": {}\n    }\n  }\n}\n",
         "",
         ""},
    };
    check(rows, ARRAY_LEN(rows));
}

#define BODY_BIG                                                                                   \
    "{\"apiVersion\":\"demo.example/v2\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"big\"},"     \
    "\"spec\":{\"n\":1e400}}"
#define BODY_NAMED(name)                                                                           \
    "{\"apiVersion\":\"demo.example/v2\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"" name "\"}" \
    "}"
#define PUT_OF(body) "{\"op\":\"put\",\"namespace\":\"default\",\"object\":" body "}"
#define RESULT_TABLE                                                                               \
    "ID                           SOURCE   URL          \n" ID "   git      http://x/y   \n"
#define RESULT_JSON                                                                                \
    "{\n  \"id\": \"" ID "\",\n  \"empty\": false,\n  \"proposal\": {\n"                           \
    "    \"source\": \"git\",\n    \"url\": \"http://x/y\"\n  }\n}\n"
#define LOCAL_TABLE                                                                                \
    "ID                           SOURCE   URL   \n"                                               \
    "00000000000000000000000000   -        -     \n"

static void test_apply__puts_bodies_as_they_are(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{"apply"}, BODY_BIG "\n", 0, RESULT_TABLE, "", "PUT " W "/big\n" BODY_BIG "\n"},
        {{"apply", "-f", "-", "-o", "json"}, BODY_BIG, 0, RESULT_JSON, "", NULL},
        {{"apply", "--proposal", "new", "-o", "name"},
         BODY_BIG,
         0,
         ID "\n",
         "",
         "PUT " W "/big?proposal=new\n" BODY_BIG "\n"},
        {{"apply", "--dry-run"}, BODY_BIG, 0, LOCAL_TABLE, "", NULL},
        {{"apply"},
         "kind: Widget\napiVersion: demo.example/v2\nmetadata: {name: big}\nspec: {a: 1.0}\n",
         0,
         RESULT_TABLE,
         "",
         "PUT " W "/big\n{\"kind\":\"Widget\",\"apiVersion\":\"demo.example/v2\",\"metadata\":"
         "{\"name\":\"big\"},\"spec\":{\"a\":1.0}}\n"},
        {{"apply", "-n", "other"},
         "{\"apiVersion\":\"demo.example/v2\",\"kind\":\"Widget\",\"metadata\":{\"namespace\":"
         "\"team\",\"name\":\"big\"}}",
         0,
         LOCAL_TABLE,
         "",
         NULL},
        {{"apply", "-o", "json"}, BODY_NAMED("small"), 0, "", "", NULL},
        /* several are one change: all or nothing */
        {{"apply"},
         BODY_NAMED("small") BODY_BIG,
         0,
         RESULT_TABLE,
         "",
         "POST " CHANGES
         "\n{\"changes\":[" PUT_OF(BODY_NAMED("small")) "," PUT_OF(BODY_BIG) "]}\n"},
        {{"apply", "--message", "refused"},
         BODY_BIG BODY_NAMED("bad"),
         6,
         "",
         "cup: applying 2 objects: changes[1]: widgets 'bad' is not valid\n"
         "  changes[1].spec.size: is no integer\n"
         "  changes[1] is standard input, document 2; nothing was changed\n",
         NULL},
        /* what cannot be named is found before anything is put */
        {{"apply"},
         BODY_BIG "{\"apiVersion\":\"demo.example/v2\",\"kind\":\"Nope\",\"metadata\":"
                  "{\"name\":\"x\"}}",
         3,
         "",
         "cup: standard input, document 2: the server has no kind 'Nope' of 'demo.example/v2'\n"
         "  'cup definitions' lists the kinds\n",
         ""},
        {{"apply"},
         "{\"apiVersion\":\"demo.example/v2\",\"kind\":\"Widget\"}",
         6,
         "",
         "cup: standard input: there is no 'metadata.name'\n",
         ""},
        {{"apply"}, "[]", 6, "", "cup: standard input: it is no JSON object\n", ""},
        {{"apply"}, "", 6, "", "cup: standard input holds no document\n", ""},
        {{"apply"}, "{\"a\":", 6, "", NULL, ""},
        {{"apply", "-f", "-", "-f", "-"}, BODY_BIG, 2, "", NULL, ""},
    };
    check(rows, ARRAY_LEN(rows));
}

static void test_apply__reads_directories_in_order(void **state)
{
    (void)state;
    auto_run struct test_run t;
    struct test_server server;
    test_run_init(&t);
    test_server_start(&server, routes, &t);
    autofree char *objects = fs_join(t.home, "objects");
    autofree char *below = fs_join(t.home, "objects/below");
    assert_int_equal(fs_make_dirs(below, 0755, NULL), ERR_OK);
    free(test_file(&t, "objects/b.json", BODY_NAMED("big")));
    free(test_file(&t, "objects/a.yml", BODY_NAMED("small")));
    free(test_file(&t, "objects/c.txt", "junk"));
    free(test_file(&t, "objects/.hidden.json", "junk"));
    free(test_file(&t, "objects/below/d.yaml", BODY_NAMED("bad")));
    test_cup(&t, "apply", "-f", objects);
    assert_int_equal(t.code, 0);
    test_cup(&t, "apply", "-f", objects, "-R");
    assert_int_equal(t.code, 0);
    free(test_file(&t, "objects/below/e.json", "junk"));
    test_cup(&t, "apply", "-f", objects, "-R"); /* one that does not parse: nothing is put */
    assert_non_null(strstr(t.notes, "below/e.json: not JSON"));
    autofree char *empty = fs_join(t.home, "empty");
    assert_int_equal(fs_make_dirs(empty, 0755, NULL), ERR_OK);
    test_cup(&t, "apply", "-f", empty);
    assert_int_equal(t.code, 3);
    autofree char *log = test_server_stop(&server);
    static const char set[] =
        "GET /apis\nPOST " CHANGES
        "\n{\"changes\":[" PUT_OF(BODY_NAMED("small")) "," PUT_OF(BODY_NAMED("big"));
    autofree char *want = mem_printf("%s]}\n%s,%s]}\n", set, set, PUT_OF(BODY_NAMED("bad")));
    assert_string_equal(log, want);
}

static void test_delete__reports_each_and_goes_on(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{"delete", "widgets", "big"}, NULL, 0, RESULT_TABLE, "", "DELETE " W "/big\n"},
        {{"delete", "widgets", "big", "-o", "json"}, NULL, 0, RESULT_JSON, "", NULL},
        {{"delete", "widgets", "nope", "small"},
         NULL,
         3,
         LOCAL_TABLE,
         "cup: deleting widgets 'nope' in namespace 'default': no such route\n",
         "DELETE " W "/nope\nDELETE " W "/small\n"},
        {{"delete", "-f", "-"}, BODY_BIG, 0, RESULT_TABLE, "", NULL},
        {{"delete", "widgets", ""}, NULL, 6, "", NULL, ""},
        {{"delete", "widgets", "big", "-f", "-"}, BODY_BIG, 2, "", NULL, ""},
    };
    check(rows, ARRAY_LEN(rows));
}

static void test_diff__compares_objects(void **state)
{
    (void)state;
    static const struct row rows[] = {
        /* other order of keys, no namespace, no labels: the size alone differs */
        {{"diff"},
         "{\"kind\":\"Widget\",\"apiVersion\":\"demo.example/v2\",\"metadata\":{\"name\":\"big\","
         "\"labels\":{\"z\":\"1\",\"a\":\"2\"}},\"spec\":{\"n\":12345678901234567890,\"size\":3,"
         "\"note\":\"a < b\"}}",
         1,
         "--- widgets 'big' in namespace 'default'\n+++ standard input\n@@ -12,6 +12,6 @@\n"
         "   \"spec\": {\n     \"n\": 12345678901234567890,\n     \"note\": \"a \\u003c b\",\n"
         "-    \"size\": 3.0\n+    \"size\": 3\n   }\n }\n",
         "",
         NULL},
        {{"diff"}, BIG, 0, "", "", NULL},
        {{"diff", "-o", "json"}, BIG, 0, "{\n  \"items\": []\n}\n", "", NULL},
        {{"diff"}, BODY_NAMED("none"), 1, NULL, "", NULL},
        {{"diff"}, BODY_NAMED("locked"), 4, "", NULL, NULL},
        {{"diff", "-f", "/nonexistent"}, NULL, 3, "", NULL, ""},
    };
    check(rows, ARRAY_LEN(rows));
}

static void test_proposal__lists_shows_and_ends(void **state)
{
    (void)state;
    static const char table[] =
        "ID                           STATE   OBJECTS              AUTHOR   CREATED                "
        "\n" ID "   open    Widget default/big   me       2026-01-01T00:00:00Z   \n";
    static const struct row rows[] = {
        {{"pr", "list"}, NULL, 0, table, "", "GET " P "\n"},
        {{"proposal", "list", "--all"},
         NULL,
         0,
         table,
         "",
         "GET " P "?state=all\nGET " P "?state=all&continue=9.x\n"},
        {{"proposal", "list", "--for", "Widget/big", "--limit", "1", "-o", "name"},
         NULL,
         0,
         ID "\n",
         "",
         "GET " P "?object=demo.example%2Fv2%2Fwidgets%2Fdefault%2Fbig&limit=1\n"},
        {{"history", "widgets", "big", "--limit", "3", "-o", "name"},
         NULL,
         0,
         "a1\na0\n",
         "",
         "GET " W "/big/history?limit=3\nGET " W "/big/history?limit=2&continue=a0\n"},
        {{"history", "widgets", "none"}, NULL, 3, "", NULL, "GET " W "/none/history\n"},
        {{"proposal", "ls", "-o", "name"}, NULL, 0, ID "\n", "", NULL},
        {{"proposal", "diff", ID}, NULL, 0, "--- a\n+++ b\n-x\n+y\x1b[2J\n", "", NULL},
        {{"proposal", "merge", ID}, NULL, 0, table, "", "POST " P "/" ID "/merge\n"},
        {{"proposal", "close", ID},
         NULL,
         5,
         "",
         "cup: closing proposal '" ID "': merged already\n",
         "DELETE " P "/" ID "\n"},
        {{"proposal", "show", "x"},
         NULL,
         3,
         "",
         "cup: getting proposal 'x': no such route\n"
         "  'cup proposal list' shows the open ones, with --all the others too\n",
         NULL},
        {{"proposal", "merge", ".."}, NULL, 6, "", NULL, ""},
        {{"proposal", "merge"}, NULL, 2, "", NULL, ""},
        {{"controller", "list"},
         NULL,
         0,
         "NAME    TYPE   READY   IMAGE    DIGEST     \n"
         "flipt   wasm   True    h/r:v1   sha256:1   \n",
         "",
         "GET " C "\n"},
        {{"controller", "show", "flipt", "-o", "name"}, NULL, 0, "flipt\n", "", NULL},
        {{"controller", "show", "none"}, NULL, 3, "", NULL, NULL},
    };
    check(rows, ARRAY_LEN(rows));
}

static void test_terminal__gets_nothing_that_moves_the_cursor(void **state)
{
    (void)state;
    auto_run struct test_run t;
    struct test_server server;
    test_run_init(&t);
    test_server_start(&server, routes, &t);
    t.is_terminal = true;
    test_cup(&t, "proposal", "diff", ID);
    assert_string_equal(
        t.out,
        "\x1b[31m--- a\x1b[0m\n\x1b[32m+++ b\x1b[0m\n\x1b[31m-x\x1b[0m\n"
        "\x1b[32m+y\\x1b[2J\x1b[0m\n");
    test_cup(&t, "proposal", "diff", ID, "--no-color");
    assert_string_equal(t.out, "--- a\n+++ b\n-x\n+y\\x1b[2J\n");
    free(test_server_stop(&server));
}

/* --- edit ----------------------------------------------------------------------------------------- */

static struct test_run edited(const char *editor, const char *name, char **ret_log)
{
    struct test_run t;
    struct test_server server;
    test_run_init(&t);
    test_server_start(&server, routes, &t);
    t.env.editor = editor;
    test_cup(&t, "edit", "widgets", name);
    *ret_log = test_server_stop(&server);
    return t;
}

static bool is_file_kept(const struct test_run *t)
{
    autofree char *command = mem_printf("ls %s/cup-*.json >/dev/null 2>&1", t->home);
    return system(command) == 0;
}

static void test_edit__puts_what_the_editor_leaves(void **state)
{
    (void)state;
    static const struct {
        const char *editor;
        const char *name;
        int code;
        bool is_put;
        bool is_kept;
    } rows[] = {
        {"sed -i s/3.0/4/", "big", 0, true, false},
        {"true", "big", 0, false, false},
        {"sh -c 'exit 7' x", "big", 7, false, false},
        {"sh -c 'echo hi >\"$1\"; exit 7' x", "big", 7, false, true},
        {"sh -c 'kill -TERM $$' x", "big", 143, false, false},
        {"echo hi >", "big", 6, false, true},
        {"sed -i 's/\"spec\"/\"kind\": 1, \"spec\"/'", "big", 6, false, true},
        {"true", "none", 3, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *log = NULL;
        auto_run struct test_run t = edited(rows[i].editor, rows[i].name, &log);
        assert_int_equal(t.code, rows[i].code);
        assert_int_equal(strstr(log, "PUT ") != NULL, rows[i].is_put);
        if (rows[i].is_put) {
            assert_non_null(strstr(log, "\"size\": 4,"));
            assert_non_null(strstr(log, "12345678901234567890"));
        }
        assert_int_equal(is_file_kept(&t), rows[i].is_kept);
        assert_int_equal(strstr(t.notes, "your text is kept in") != NULL, rows[i].is_kept);
        free(log);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get__prints_what_upstream_prints),
        cmocka_unit_test(test_definitions__prints_each_once),
        cmocka_unit_test(test_apply__puts_bodies_as_they_are),
        cmocka_unit_test(test_apply__reads_directories_in_order),
        cmocka_unit_test(test_delete__reports_each_and_goes_on),
        cmocka_unit_test(test_diff__compares_objects),
        cmocka_unit_test(test_proposal__lists_shows_and_ends),
        cmocka_unit_test(test_terminal__gets_nothing_that_moves_the_cursor),
        cmocka_unit_test(test_edit__puts_what_the_editor_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
