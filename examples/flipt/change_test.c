#include "testing.h"

#define FLAG(text) "namespace: default\nflags:\n- key: a\n" text

struct row {
    const char *what;
    const char *before;
    const char *name;
    const char *spec; /* NULL: delete */
    const char *after;
};

static void check_rows(const struct row *rows, size_t count, const struct flipt_kind *kind)
{
    for (size_t i = 0; i < count; i++) {
        struct flipt_testing t = {0};
        const struct row *row = &rows[i];
        if (flipt_testing_change(&t, row->before, kind, row->name, row->spec) != CUP_SDK_OK)
            fail_msg("%s: %s", row->what, t.err.text);
        if (strcmp(t.text, row->after) != 0)
            fail_msg("%s:\n%s\n-- instead of --\n%s", row->what, t.text, row->after);
        flipt_arena_free(&t.arena);
    }
}

#define CHECK(rows, kind) check_rows(rows, sizeof(rows) / sizeof(rows[0]), kind)

static void test_put__changes_only_the_lines_of_a_member(void **state)
{
    static const struct row rows[] = {
        {"a plain text, the comment behind it stays",
         FLAG("  name: A # of old\n  description: x   # why\n  enabled: true\n"), "a",
         "{\"description\":\"y z\",\"enabled\":true}",
         FLAG("  name: A # of old\n  description: y z   # why\n  enabled: true\n")},
        {"quotes stay of their kind", FLAG("  description: \"x\"\n  type: 'T'\n  enabled: true\n"),
         "a", "{\"description\":\"y\",\"type\":\"it's\",\"enabled\":true}",
         FLAG("  description: \"y\"\n  type: 'it''s'\n  enabled: true\n")},
        {"a member of its own line comes behind the one before it",
         FLAG("  name: A\n  enabled: true\n  # end\nsegments: []\n"), "a",
         "{\"description\":\"d\",\"enabled\":true}",
         FLAG("  name: A\n  description: d\n  enabled: true\n  # end\nsegments: []\n")},
        {"a member goes with its line",
         FLAG("  name: A\n  # about d\n  description: d # gone\n  enabled: true\n"), "a",
         "{\"enabled\":true}", FLAG("  name: A\n  # about d\n  enabled: true\n")},
        {"what is unknown stays",
         FLAG("  metadata: {a: [1, 2]}\n  enabled: true\n  other:\n    - x\n"), "a",
         "{\"enabled\":false}",
         FLAG("  metadata: {a: [1, 2]}\n  enabled: false\n  other:\n    - x\n")},
        {"an empty name keeps the stored one, another replaces it", FLAG("  name: A\n"), "a",
         "{\"name\":\"B\"}", FLAG("  name: B\n")},
        {"false where nothing stands is no change", FLAG("  name: A\n"), "a",
         "{\"name\":\"\",\"type\":\"\",\"description\":\"\",\"enabled\":false,\"variants\":null,"
         "\"rules\":null,\"rollouts\":null}",
         FLAG("  name: A\n")},
        {"yes is true", FLAG("  enabled: yes\n"), "a", "{\"enabled\":true}",
         FLAG("  enabled: yes\n")},
        {"a value where none stood", FLAG("  description:   # none yet\n  enabled: true\n"), "a",
         "{\"description\":\"d\",\"enabled\":true}",
         FLAG("  description: d   # none yet\n  enabled: true\n")},
        {"a text over several lines becomes one",
         FLAG("  description: x\n    y\n  enabled: true\n"), "a",
         "{\"description\":\"z\",\"enabled\":true}", FLAG("  description: z\n  enabled: true\n")},
        {"a literal block", FLAG("  description: |\n    one\n    two\n\n  enabled: true\n"), "a",
         "{\"description\":\"one\\nthree\\n\",\"enabled\":true}",
         FLAG("  description: |\n    one\n    three\n\n  enabled: true\n")},
        {"several lines where one was", FLAG("  description: x\n  enabled: true\n"), "a",
         "{\"description\":\"one\\ntwo\",\"enabled\":true}",
         FLAG("  description: |-\n    one\n    two\n  enabled: true\n")},
        {"several lines before a comment", FLAG("  description: x # c\n"), "a",
         "{\"description\":\"one\\ntwo\"}", FLAG("  description: \"one\\ntwo\" # c\n")},
        {"keys in quotes", "\"flags\":\n- \"key\": a\n  'description': x\n", "a",
         "{\"description\":\"w\"}", "\"flags\":\n- \"key\": a\n  'description': w\n"},
        {"the dash on a line of its own", "flags:\n-\n  key: a\n  description: x\n", "a",
         "{\"description\":\"w\"}", "flags:\n-\n  key: a\n  description: w\n"},
        {"the key is not the first member", "flags:\n  - description: x\n    key: a\n", "a",
         "{\"enabled\":true}", "flags:\n  - key: a\n    enabled: true\n"},
        {"CRLF", "flags:\r\n- key: a\r\n  enabled: true\r\n", "a",
         "{\"description\":\"d\",\"enabled\":true}",
         "flags:\r\n- key: a\r\n  description: d\r\n  enabled: true\r\n"},
        {"no line break at the end", "flags:\n- key: a\n  name: A", "a", "{\"enabled\":true}",
         "flags:\n- key: a\n  name: A\n  enabled: true"},
        {"a byte-order mark and letters beyond ASCII before it",
         "\xef\xbb\xbf"
         "# \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\nflags:\n- key: a\n  name: \xc3\xa4\n  "
         "description: x\n",
         "a", "{\"description\":\"\xe2\x82\xac\"}",
         "\xef\xbb\xbf"
         "# \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\nflags:\n- key: a\n  name: \xc3\xa4\n  "
         "description: \xe2\x82\xac\n"},
        {"tabs before comments", FLAG("  description: x\t# c\n"), "a", "{\"description\":\"w\"}",
         FLAG("  description: w\t# c\n")},
    };
    (void)state;
    CHECK(rows, &flipt_kind_flag);
}

static void test_put__changes_only_the_item_of_a_list(void **state)
{
    static const struct row rows[] = {
        {"one variant's name",
         FLAG("  variants:\n  # first\n  - key: x # x\n    name: X\n    default: true\n  - {key: "
              "y}\n"),
         "a", "{\"variants\":[{\"key\":\"x\",\"name\":\"Z\"},{\"key\":\"y\"}]}",
         FLAG("  variants:\n  # first\n  - key: x # x\n    name: Z\n    default: true\n  - {key: "
              "y}\n")},
        {"a variant more, in a list that is indented",
         FLAG("  variants:\n    - key: x\n    # c\n  enabled: true\n"), "a",
         "{\"enabled\":true,\"variants\":[{\"key\":\"x\"},{\"key\":\"z\",\"attachment\":{\"o\":1.0}"
         "}]}",
         FLAG("  variants:\n    - key: x\n    - key: z\n      attachment:\n        o: 1.0\n"
              "    # c\n  enabled: true\n")},
        {"a variant before the others", FLAG("  variants:\n  - key: x\n  - key: y\n"), "a",
         "{\"variants\":[{\"key\":\"w\"},{\"key\":\"x\"},{\"key\":\"y\"}]}",
         FLAG("  variants:\n  - key: w\n  - key: x\n  - key: y\n")},
        {"a variant less", FLAG("  variants:\n  - key: x\n    name: X\n  - key: y\n"), "a",
         "{\"variants\":[{\"key\":\"y\"}]}", FLAG("  variants:\n  - key: y\n")},
        {"two change places, what is unknown goes along",
         FLAG("  variants:\n  - key: x\n    default: true\n  - key: y\n"), "a",
         "{\"variants\":[{\"key\":\"y\"},{\"key\":\"x\"}]}",
         FLAG("  variants:\n  - key: y\n  - key: x\n    default: true\n")},
        {"the last one goes with the member", FLAG("  enabled: true\n  variants:\n  - key: x\n"),
         "a", "{\"enabled\":true,\"variants\":[]}", FLAG("  enabled: true\n")},
        {"a list where an empty one was", FLAG("  variants: [] # none\n  enabled: true\n"), "a",
         "{\"enabled\":true,\"variants\":[{\"key\":\"x\"}]}",
         FLAG("  variants: # none\n  - key: x\n  enabled: true\n")},
        {"a rule at the front keeps the others",
         FLAG("  rules:\n  - segment: s\n    rank: 1 # one\n    note: n\n"), "a",
         "{\"rules\":[{\"segment_key\":\"t\"},{\"segment_key\":\"s\",\"rank\":1}]}",
         FLAG("  rules:\n  - segment: t\n  - segment: s\n    rank: 1 # one\n    note: n\n")},
        {"segment_key is changed", FLAG("  rules:\n  - segment: s # c\n    rank: 1\n"), "a",
         "{\"rules\":[{\"segment_key\":\"t\",\"rank\":1,\"segments\":[\"t\"],\"segmentOperator\":"
         "\"\"}]}",
         FLAG("  rules:\n  - segment: t # c\n    rank: 1\n")},
        {"a text becomes several", FLAG("  rules:\n  - segment: s\n"), "a",
         "{\"rules\":[{\"segments\":[\"s\",\"t\"],"
         "\"segmentOperator\":\"AND_SEGMENT_OPERATOR\"}]}",
         FLAG("  rules:\n  - segment:\n      keys:\n      - s\n      - t\n"
              "      operator: AND_SEGMENT_OPERATOR\n")},
        {"one of several segments",
         FLAG("  rules:\n  - segment:\n      keys: [s, t] # both\n      operator: O\n"), "a",
         "{\"rules\":[{\"segments\":[\"s\",\"u\"],\"segmentOperator\":\"O\"}]}",
         FLAG("  rules:\n  - segment:\n      keys: [s, u] # both\n      operator: O\n")},
        {"segment_key for a list of that one key",
         FLAG("  rules:\n  - segment:\n      keys: [s]\n"), "a",
         "{\"rules\":[{\"segment_key\":\"s\"}]}",
         FLAG("  rules:\n  - segment:\n      keys: [s]\n")},
        {"an operator for it", FLAG("  rules:\n  - segment:\n      keys: [s]\n"), "a",
         "{\"rules\":[{\"segment_key\":\"s\",\"segmentOperator\":\"O\"}]}",
         FLAG("  rules:\n  - segment:\n      keys: [s]\n      operator: O\n")},
        {"a number, in its spelling",
         FLAG("  rollouts:\n  - threshold:\n      percentage: 50.0\n      value: true\n"), "a",
         "{\"rollouts\":[{\"threshold\":{\"percentage\":1e1,\"value\":true}}]}",
         FLAG("  rollouts:\n  - threshold:\n      percentage: 1e1\n      value: true\n")},
        {"within an attachment",
         FLAG("  variants:\n  - key: x\n    attachment:\n      a: 1 # one\n      b: [1, 2, 3]\n    "
              "  c: {d: e}\n"),
         "a",
         "{\"variants\":[{\"key\":\"x\",\"attachment\":{\"a\":12345678901234567890,\"b\":[1,3],"
         "\"c\":{\"d\":\"yes\",\"f\":null}}}]}",
         FLAG("  variants:\n  - key: x\n    attachment:\n      a: 12345678901234567890 # one\n"
              "      b: [1, 3]\n      c: {d: \"yes\", f: null}\n")},
        {"the first member behind a dash goes",
         FLAG("  variants:\n  - key: x\n    attachment:\n    - a: 1\n      b: 2\n"), "a",
         "{\"variants\":[{\"key\":\"x\",\"attachment\":[{\"b\":2}]}]}",
         FLAG("  variants:\n  - key: x\n    attachment:\n    - b: 2\n")},
        {"lists in lists", FLAG("  variants:\n  - key: x\n    attachment:\n    - - 1\n      - 2\n"),
         "a", "{\"variants\":[{\"key\":\"x\",\"attachment\":[[0,1,2,[]],[[3]]]}]}",
         FLAG("  variants:\n  - key: x\n    attachment:\n    - - 0\n      - 1\n      - 2\n      - "
              "[]\n"
              "    - - - 3\n")},
        {"another order of an attachment's members",
         FLAG("  variants:\n  - key: x\n    attachment:\n      a: 1\n      b: 2\n"), "a",
         "{\"variants\":[{\"key\":\"x\",\"attachment\":{\"b\":2,\"a\":1}}]}",
         FLAG("  variants:\n  - key: x\n    attachment:\n      b: 2\n      a: 1\n")},
    };
    (void)state;
    CHECK(rows, &flipt_kind_flag);
}

static void test_put__adds_an_object_behind_the_last(void **state)
{
    static const struct row rows[] = {
        {"as Flipt exports", "flags:\n- key: a\nsegments: []\n", "b",
         "{\"type\":\"BOOLEAN_FLAG_TYPE\",\"description\":\"second <flag>\",\"rules\":[],"
         "\"rollouts\":[{\"threshold\":{\"percentage\":10,\"value\":true}}]}",
         "flags:\n- key: a\n- key: b\n  name: b\n  type: BOOLEAN_FLAG_TYPE\n"
         "  description: second <flag>\n  enabled: false\n  rollouts:\n  - threshold:\n"
         "      percentage: 10\n      value: true\nsegments: []\n"},
        {"with the file's indentation, behind the comments of the last",
         "flags:\n    -   key: a\n        variants:\n            -   key: x\n        # of a\n\n# "
         "end\n",
         "b", "{\"variants\":[{\"key\":\"x\",\"attachment\":{\"z\":1}}]}",
         "flags:\n    -   key: a\n        variants:\n            -   key: x\n        # of a\n"
         "    -   key: b\n        name: b\n        enabled: false\n        variants:\n"
         "            -   key: x\n                attachment:\n                  z: 1\n\n# end\n"},
        {"with the blank line between items", "flags:\n- key: a\n\n- key: b\n\nsegments:\n", "c",
         "{}",
         "flags:\n- key: a\n\n- key: b\n\n- key: c\n  name: c\n  enabled: false\n\nsegments:\n"},
        {"where the list is empty", "flags: [] # none\nsegments:\n- key: s\n", "b",
         "{\"enabled\":true}",
         "flags: # none\n- key: b\n  name: b\n  enabled: true\nsegments:\n- key: s\n"},
        {"where the list is null", "flags:\n# none\nsegments:\n- key: s\n", "b", "{}",
         "flags:\n- key: b\n  name: b\n  enabled: false\n# none\nsegments:\n- key: s\n"},
        {"where there is no list", "namespace: default # ns\n", "b", "{\"name\":\"Bee\"}",
         "namespace: default # ns\nflags:\n- key: b\n  name: Bee\n  enabled: false\n"},
        {"in a document that does not end with a line break", "version: '1.4'", "b", "{}",
         "version: '1.4'\nflags:\n- key: b\n  name: b\n  enabled: false"},
        {"behind a literal block", "flags:\n- key: a\n  description: |\n    x\n\n\n# end\n", "b",
         "{}",
         "flags:\n- key: a\n  description: |\n    x\n- key: b\n  name: b\n  enabled: false\n\n\n# "
         "end\n"},
        {"in flow style", "flags: [{key: a}]\n", "b", "{\"description\":\"x: y, z\"}",
         "flags: [{key: a}, {key: b, name: b, description: 'x: y, z', enabled: false}]\n"},
        {"in JSON", "{\"flags\": [\n  {\"key\": \"a\"}\n]}\n", "b",
         "{\"description\":\"say \\\"x\\\"\"}",
         "{\"flags\": [\n  {\"key\": \"a\"},\n  {\"key\": \"b\", \"name\": \"b\", "
         "\"description\": \"say \\\"x\\\"\", \"enabled\": false}\n]}\n"},
        {"before the end of the document", "flags:\n- key: a\n---\nnamespace: n\n", "b", "{}",
         "flags:\n- key: a\n- key: b\n  name: b\n  enabled: false\n---\nnamespace: n\n"},
    };
    (void)state;
    CHECK(rows, &flipt_kind_flag);
}

static void test_put__quotes_what_would_read_as_something_else(void **state)
{
    static const struct {
        const char *json;
        const char *yaml;
    } rows[] = {
        {"\"yes\"", "\"yes\""},
        {"\"No\"", "\"No\""},
        {"\"on\"", "\"on\""},
        {"\"y\"", "\"y\""},
        {"\"null\"", "\"null\""},
        {"\"~\"", "\"~\""},
        {"\"true\"", "\"true\""},
        {"\"1\"", "\"1\""},
        {"\"1.0\"", "\"1.0\""},
        {"\"-1e3\"", "\"-1e3\""},
        {"\"0x1F\"", "\"0x1F\""},
        {"\"0o7\"", "\"0o7\""},
        {"\"1_000\"", "\"1_000\""},
        {"\".5\"", "\".5\""},
        {"\".inf\"", "\".inf\""},
        {"\"12:30:45\"", "\"12:30:45\""},
        {"\"2022-01-01\"", "\"2022-01-01\""},
        {"\"<<\"", "\"<<\""},
        {"\"1.2.3\"", "1.2.3"},
        {"\"a b\"", "a b"},
        {"\"a: b\"", "'a: b'"},
        {"\"a #b\"", "'a #b'"},
        {"\"a:\"", "'a:'"},
        {"\"- a\"", "'- a'"},
        {"\"-a\"", "-a"},
        {"\"---\"", "'---'"},
        {"\"*a\"", "'*a'"},
        {"\"&a\"", "'&a'"},
        {"\"!a\"", "'!a'"},
        {"\"{a}\"", "'{a}'"},
        {"\"[a]\"", "'[a]'"},
        {"\"a'b\"", "a'b"},
        {"\"'a\"", "'''a'"},
        {"\"@a\"", "'@a'"},
        {"\"%a\"", "'%a'"},
        {"\" a\"", "' a'"},
        {"\"a \"", "'a '"},
        {"\"a\\tb\"", "\"a\\tb\""},
        {"\"a\\u0000b\"", "\"a\\u0000b\""},
        {"\"\\u0085\\u2028\\ufeff\"", "\"\\u0085\\u2028\\ufeff\""},
        {"\"\\u00e4\\u20ac\\ud83d\\ude00\"", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\"\\n\"", "\"\\n\""},
        {"\" a\\nb\"", "\" a\\nb\""},
        {"12345678901234567890", "12345678901234567890"},
        {"1.0", "1.0"},
        {"1e400", "1e400"},
        {"-0.0", "-0.0"},
        {"1E+2", "1E+2"},
        {"true", "true"},
        {"null", "null"},
        {"{}", "{}"},
        {"[]", "[]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct flipt_testing t = {0};
        char spec[200], yaml[200], json[200];
        snprintf(
            spec, sizeof(spec), "{\"variants\":[{\"key\":\"x\",\"attachment\":{\"v\":%s}}]}",
            rows[i].json);
        snprintf(
            yaml, sizeof(yaml), FLAG("  variants:\n  - key: x\n    attachment:\n      v: %s\n"),
            rows[i].yaml);
        snprintf(json, sizeof(json), "\"attachment\":{\"v\":%s}", rows[i].json);
        if (flipt_testing_change(
                &t, FLAG("  variants:\n  - key: x\n"), &flipt_kind_flag, "a", spec) != CUP_SDK_OK)
            fail_msg("%s: %s", rows[i].json, t.err.text);
        assert_string_equal(t.text, yaml);
        char *shown = flipt_testing_spec(&t, t.text, &flipt_kind_flag, "a");
        assert_non_null(shown);
        if (strchr(rows[i].json, '\\') == NULL && strstr(shown, json) == NULL)
            fail_msg("%s: shown as %s", rows[i].json, shown);
        free(shown);
        flipt_arena_free(&t.arena);
    }
}

static void test_delete__takes_only_the_lines_of_the_object(void **state)
{
    static const struct row rows[] = {
        {"one of several",
         "# top\nflags:\n# a\n- key: a\n  # in a\n  name: A\n  # of a\n# b\n- key: b\n", "a", NULL,
         "# top\nflags:\n# a\n# b\n- key: b\n"},
        {"the last", "flags:\n- key: b\n- key: a\n  name: A\n\n# end\n", "a", NULL,
         "flags:\n- key: b\n\n# end\n"},
        {"the only one", "flags: # f\n# about a\n- key: a\nsegments:\n- key: s\n", "a", NULL,
         "flags: [] # f\n# about a\nsegments:\n- key: s\n"},
        {"two of the same key", "flags:\n- key: a\n- key: b\n- key: a\n", "a", NULL,
         "flags:\n- key: b\n"},
        {"at the end of a file without line break", "flags:\n- key: b\n- key: a", "a", NULL,
         "flags:\n- key: b\n"},
        {"CRLF", "flags:\r\n- key: a\r\n- key: b\r\n", "a", NULL, "flags:\r\n- key: b\r\n"},
        {"with a literal block at its end",
         "flags:\n- key: a\n  description: |\n    x\n\n- key: b\n", "a", NULL,
         "flags:\n\n- key: b\n"},
        {"in flow style, first", "flags: [{key: a}, {key: b}]\n", "a", NULL, "flags: [{key: b}]\n"},
        {"in flow style, middle", "flags: [{key: c}, {key: a}, {key: b}]\n", "a", NULL,
         "flags: [{key: c}, {key: b}]\n"},
        {"in flow style, last", "flags: [{key: c}, {key: a}]\n", "a", NULL, "flags: [{key: c}]\n"},
        {"in flow style, only", "flags: [{key: a}]\n", "a", NULL, "flags: []\n"},
        {"an alias", "base: &b {key: a}\nflags:\n- *b\n- key: c\n", "a", NULL,
         "base: &b {key: a}\nflags:\n- key: c\n"},
    };
    (void)state;
    CHECK(rows, &flipt_kind_flag);
}

static void test_segment__keeps_its_order(void **state)
{
    static const struct row rows[] = {
        {"new", "flags: []\n", "s",
         "{\"match_type\":\"ANY_MATCH_TYPE\",\"constraints\":[{\"type\":\"T\",\"property\":\"p\","
         "\"operator\":\"eq\",\"value\":\"1\"}]}",
         "flags: []\nsegments:\n- key: s\n  name: s\n  constraints:\n  - type: T\n    property: p\n"
         "    operator: eq\n    value: \"1\"\n  match_type: ANY_MATCH_TYPE\n"},
        {"a number as value is a text that stays",
         "segments:\n- key: s\n  constraints:\n  - value: 10\n", "s",
         "{\"constraints\":[{\"value\":\"10\"}]}",
         "segments:\n- key: s\n  constraints:\n  - value: 10\n"},
    };
    (void)state;
    CHECK(rows, &flipt_kind_segment);
}

static void test_change__refuses_what_it_cannot_do(void **state)
{
    static const struct {
        const char *before;
        const char *name;
        const char *spec;
        const char *error;
    } rows[] = {
        {"flags:\n- &x\n  key: a\n  description: d\n- <<: *x\n  key: b\n", "a",
         "{\"description\":\"e\"}", "used as alias '*x' in line 5"},
        {"flags:\n- &x\n  key: a\n- <<: *x\n  key: b\n", "a", NULL, "used as alias '*x' in line 4"},
        {"base: &b {key: a}\nflags:\n- *b\n", "a", "{\"enabled\":true}", "is an alias"},
        {"f: &f\n- key: a\nflags: *f\n", "b", "{}", "'flags' is an alias"},
        {"flags: x\n", "a", "{}", "features.yml:1: 'flags' is not a list"},
        {"flags:\n- name: x\n", "a", "{}", "features.yml:2: a flag without a 'key'"},
        {"flags: []\n", "a", "{\"nmae\":\"x\"}", "has no member 'nmae'"},
        {"flags: []\n", "a", "{\"enabled\":\"yes\"}", "'enabled' is not true or false"},
        {"flags: []\n", "a", "{\"variants\":{}}", "'variants' is not a list"},
        {"flags: []\n", "a", "{\"variants\":[1]}", "'variant' is not an object"},
        {"flags: []\n", "a", "{\"key\":\"b\"}", "'key' is 'b'"},
        {"flags: []\n", "a", "{\"rules\":[{\"segment_key\":\"a\",\"segments\":[\"b\"]}]}",
         "say otherwise"},
        {"flags: [\n", "a", "{}", "features.yml:2: "},
        {"flags:\n\t- key: a\n", "a", "{}", "features.yml:2: "},
        {"flags: *x\n", "a", "{}", "alias '*x' has no anchor"},
        {"flags: &x [*x]\n", "a", "{}", "alias '*x' is within its own anchor"},
        {"flags: \xff\n", "a", "{}", "not UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct flipt_testing t = {0};
        enum cup_sdk_result r =
            flipt_testing_change(&t, rows[i].before, &flipt_kind_flag, rows[i].name, rows[i].spec);
        if (r != CUP_SDK_ERROR || strstr(t.err.text, rows[i].error) == NULL)
            fail_msg("%s: %s\n%s", rows[i].before, t.err.text, t.text != NULL ? t.text : "");
        flipt_arena_free(&t.arena);
    }
}

/* A flag of that many nested lists as its attachment. */
static void nested(char *text, size_t depth, const char *before, const char *after)
{
    size_t n = strlen(before);
    memcpy(text, before, n);
    memset(text + n, '[', depth);
    memset(text + n + depth, ']', depth);
    memcpy(text + n + 2 * depth, after, strlen(after) + 1);
}

static void test_change__has_limits(void **state)
{
    static char text[200000];
    struct flipt_testing t = {0};
    (void)state;
    nested(text, 90000, FLAG("  x: "), "\n");
    assert_int_equal(flipt_testing_change(&t, text, &flipt_kind_flag, "a", "{}"), CUP_SDK_ERROR);
    assert_non_null(strstr(t.err.text, "nested deeper"));
    nested(text, 400, "{\"variants\":[{\"key\":\"x\",\"attachment\":", "}]}");
    assert_int_equal(
        flipt_testing_change(&t, FLAG(""), &flipt_kind_flag, "a", text), CUP_SDK_ERROR);
    assert_non_null(strstr(t.err.text, "nested deeper"));
    flipt_arena_free(&t.arena);
}

static void test_view__does_not_unfold_bombs(void **state)
{
    struct flipt_testing t = {0};
    (void)state;
    char *shown = flipt_testing_spec(
        &t,
        "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
        "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
        "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
        "g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n"
        "flags:\n- key: a\n  variants:\n  - key: x\n    attachment: *g\n",
        &flipt_kind_flag, "a");
    assert_null(shown);
    assert_non_null(strstr(t.err.text, "aliases"));
    flipt_arena_free(&t.arena);
}

static void test_view__shows_what_upstream_shows(void **state)
{
    static const struct {
        const char *yaml;
        const char *json;
    } rows[] = {
        {"",
         "{\"key\":\"\",\"name\":\"\",\"type\":\"\",\"description\":\"\",\"enabled\":false,"
         "\"variants\":null,\"rules\":null,\"rollouts\":null}"},
        {"  name: 1.0\n  type: ~\n  description: yes\n  enabled: on\n  variants: []\n  rules: ~\n",
         "{\"key\":\"\",\"name\":\"\",\"type\":\"\",\"description\":\"yes\",\"enabled\":true,"
         "\"variants\":[],\"rules\":null,\"rollouts\":null}"},
        {"  variants:\n  - key: 1\n    attachment: {a: .5, b: 0x1F, c: 017, d: 1_0, e: +1, f: 1., "
         "g: .inf,\n"
         "      h: 2022-01-01, i: !!str 5, j: ~, k: \"x\", l: True, m: yes, 1: n, o: 1e400, p: "
         "089}\n",
         "{\"key\":\"\",\"name\":\"\",\"type\":\"\",\"description\":\"\",\"enabled\":false,"
         "\"variants\":[{\"key\":\"1\",\"name\":\"\",\"description\":\"\",\"attachment\":{\"a\":0."
         "5,"
         "\"b\":31,\"c\":15,\"d\":10,\"e\":1,\"f\":1,\"g\":\".inf\",\"h\":\"2022-01-01\","
         "\"i\":\"5\",\"j\":null,\"k\":\"x\",\"l\":true,\"m\":\"yes\",\"1\":\"n\",\"o\":1e400,"
         "\"p\":\"089\"}}],\"rules\":null,\"rollouts\":null}"},
        {"  rules:\n  - segment: s\n    rank: 1\n    distributions:\n    - variant: v\n      "
         "rollout: 50.0\n"
         "  - segment: {keys: [s, t], operator: AND_SEGMENT_OPERATOR}\n",
         "{\"key\":\"\",\"name\":\"\",\"type\":\"\",\"description\":\"\",\"enabled\":false,"
         "\"variants\":null,\"rules\":[{\"segment_key\":\"s\",\"rank\":1,\"distributions\":["
         "{\"variant_key\":\"v\",\"rollout\":50.0}],\"segments\":[\"s\"],\"segmentOperator\":\"\"},"
         "{\"segment_key\":\"\",\"rank\":0,\"distributions\":null,\"segments\":[\"s\",\"t\"],"
         "\"segmentOperator\":\"AND_SEGMENT_OPERATOR\"}],\"rollouts\":null}"},
        {"  rollouts:\n  - segment: {key: s, value: true}\n  - segment: {keys: [s], operator: O}\n"
         "  - threshold: {percentage: 10}\n",
         "{\"key\":\"\",\"name\":\"\",\"type\":\"\",\"description\":\"\",\"enabled\":false,"
         "\"variants\":null,\"rules\":null,\"rollouts\":[{\"description\":\"\",\"segment\":{"
         "\"key\":"
         "\"s\",\"value\":true},\"threshold\":null},{\"description\":\"\",\"segment\":{\"key\":"
         "\"\","
         "\"value\":false,\"keys\":[\"s\"],\"operator\":\"O\"},\"threshold\":null},"
         "{\"description\":\"\",\"segment\":null,\"threshold\":{\"percentage\":10,\"value\":false}}"
         "]}"},
        {"  <<: {description: merged, enabled: true}\n  enabled: false\n",
         "{\"key\":\"\",\"name\":\"\",\"type\":\"\",\"description\":\"merged\",\"enabled\":false,"
         "\"variants\":null,\"rules\":null,\"rollouts\":null}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct flipt_testing t = {0};
        char before[1000];
        snprintf(before, sizeof(before), FLAG("%s"), rows[i].yaml);
        char *shown = flipt_testing_spec(&t, before, &flipt_kind_flag, "a");
        if (shown == NULL)
            fail_msg("%s: %s", rows[i].yaml, t.err.text);
        assert_string_equal(shown, rows[i].json);
        assert_int_equal(
            flipt_testing_change(&t, before, &flipt_kind_flag, "a", shown), CUP_SDK_OK);
        if (t.is_changed)
            fail_msg("putting it back changed it:\n%s", t.text);
        free(shown);
        flipt_arena_free(&t.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put__changes_only_the_lines_of_a_member),
        cmocka_unit_test(test_put__changes_only_the_item_of_a_list),
        cmocka_unit_test(test_put__adds_an_object_behind_the_last),
        cmocka_unit_test(test_put__quotes_what_would_read_as_something_else),
        cmocka_unit_test(test_delete__takes_only_the_lines_of_the_object),
        cmocka_unit_test(test_segment__keeps_its_order),
        cmocka_unit_test(test_change__refuses_what_it_cannot_do),
        cmocka_unit_test(test_change__has_limits),
        cmocka_unit_test(test_view__does_not_unfold_bombs),
        cmocka_unit_test(test_view__shows_what_upstream_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
