/*
 * Files of many layouts, made at random from fixed seeds, each edited at one flag: all bytes before
 * and behind that flag's own lines stay, every other flag reads as before, and the flag reads as put.
 */
#include "testing.h"

#define FILES 400
#define FLAGS_MAX 6
#define PART_MAX 2000

struct file {
    uint64_t seed;
    const char *line_break;
    size_t dash;  /* column of the flags' dashes */
    size_t inner; /* columns from there to a list within a flag */
    size_t flags;
    char head[PART_MAX];
    char part[FLAGS_MAX][PART_MAX]; /* each flag's own lines */
    char gap[FLAGS_MAX][PART_MAX];  /* what stands behind them */
    char tail[PART_MAX];
};

static size_t choose(struct file *f, size_t count)
{
    f->seed ^= f->seed << 13;
    f->seed ^= f->seed >> 7;
    f->seed ^= f->seed << 17;
    return (size_t)(f->seed >> 16) % count;
}

static void add(char *part, const char *text)
{
    size_t n = strlen(part);
    assert_true(n + strlen(text) + 1 < PART_MAX);
    memcpy(part + n, text, strlen(text) + 1);
}

static void add_line(struct file *f, char *part, size_t column, const char *text)
{
    for (size_t i = 0; i < column; i++)
        add(part, " ");
    add(part, text);
    add(part, f->line_break);
}

static void
add_choice(struct file *f, char *part, size_t column, const char *const *texts, size_t count)
{
    const char *text = texts[choose(f, count)];
    if (text[0] != 0)
        add_line(f, part, column, text);
}

#define ADD_CHOICE(f, part, column, texts)                                                         \
    add_choice(f, part, column, texts, sizeof(texts) / sizeof(texts[0]))

static void make_variants(struct file *f, char *part)
{
    static const char *const extras[] = {
        "", "name: V # v", "default: true", "attachment: {\"a\": 1.0, b: [x, 'y']}", "# of it"};
    size_t column = f->dash + 2 + f->inner, count = choose(f, 4);
    if (count == 0)
        return;
    add_line(f, part, f->dash + 2, "variants: # list");
    for (size_t i = 0; i < count; i++) {
        static const char *const keys[] = {"- key: v0", "- key: \"v1\"", "- key: 'v2' # two"};
        add_line(f, part, column, keys[i]);
        if (choose(f, 4) == 0) {
            add_line(f, part, column + 2, "attachment:");
            add_line(f, part, column + 4, "list:");
            add_line(f, part, column + 4 + f->inner, "- 1e400");
            add_line(f, part, column + 4 + f->inner, "- [a, {b: c}]");
            add_line(f, part, column + 4, "n: 12345678901234567890 # big");
        } else {
            ADD_CHOICE(f, part, column + 2, extras);
        }
    }
}

static void make_rules(struct file *f, char *part)
{
    static const char *const segments[] = {
        "- segment: s", "- {segment: s, rank: 2}", "- segment: {keys: [s, t], operator: O}"};
    size_t count = choose(f, 3);
    if (count > 0)
        add_line(f, part, f->dash + 2, "rules:");
    for (size_t i = 0; i < count; i++)
        ADD_CHOICE(f, part, f->dash + 2 + f->inner, segments);
}

static void make_flag(struct file *f, size_t index)
{
    static const char *const names[] = {"", "name: N", "name: \"N: #\"", "# n", "name:"};
    static const char *const descriptions[] = {
        "", "description: plain text # why", "description: 'single'", "description: \"dou\\tble\"",
        "description:    \xc3\xa4\xe2\x82\xac"};
    static const char *const truths[] = {
        "", "enabled: true", "enabled: false # off", "enabled: yes"};
    static const char *const unknown[] = {"", "metadata: {a: [1, 2]}", "extra: |", "other: &o x"};
    char *part = f->part[index], key[40];
    snprintf(key, sizeof(key), "- key: f%zu%s", index, choose(f, 2) == 0 ? "  # key" : "");
    add_line(f, part, f->dash, key);
    ADD_CHOICE(f, part, f->dash + 2, names);
    ADD_CHOICE(f, part, f->dash + 2, descriptions);
    if (choose(f, 4) == 0) {
        add_line(f, part, f->dash + 2, "type: >-");
        add_line(f, part, f->dash + 6, "folded");
        add_line(f, part, f->dash + 6, "text");
    }
    ADD_CHOICE(f, part, f->dash + 2, truths);
    make_variants(f, part);
    ADD_CHOICE(f, part, f->dash + 2, unknown);
    if (strstr(part, "extra: |") != NULL)
        add_line(f, part, f->dash + 5, "block # not a comment");
    make_rules(f, part);
}

static void make_file(struct file *f, uint64_t seed)
{
    static const char *const heads[] = {
        "", "# head", "version: '1.4'", "namespace: default", "namespace: {key: default}"};
    static const char *const gaps[] = {"", "", "# between"};
    static const char *const tails[] = {
        "", "segments:\n- key: s\n", "# tail\n", "---\nnamespace: n\n"};
    memset(f, 0, sizeof(*f));
    f->seed = seed * 0x9e3779b97f4a7c15u + 1;
    f->line_break = choose(f, 4) == 0 ? "\r\n" : "\n";
    f->dash = choose(f, 3);
    f->inner = 2 * choose(f, 2);
    f->flags = 1 + choose(f, FLAGS_MAX);
    ADD_CHOICE(f, f->head, 0, heads);
    add_line(f, f->head, 0, "flags: # all");
    for (size_t i = 0; i < f->flags; i++) {
        make_flag(f, i);
        ADD_CHOICE(f, f->gap[i], 0, gaps);
        if (choose(f, 3) == 0)
            add(f->gap[i], f->line_break);
    }
    add(f->tail, tails[choose(f, 4)]);
}

/* The parts from flag `from` up to flag `to`; all of the file with 0 and f->flags. */
static void join(const struct file *f, size_t from, size_t to, char *text)
{
    text[0] = 0;
    if (from == 0)
        strncat(text, f->head, PART_MAX);
    for (size_t i = from; i < to; i++) {
        strncat(text, f->part[i], PART_MAX);
        strncat(text, f->gap[i], PART_MAX);
    }
    if (to == f->flags)
        strncat(text, f->tail, PART_MAX);
}

#define TEXT_MAX ((2 * FLAGS_MAX + 3) * PART_MAX)

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool has_suffix(const char *text, const char *suffix)
{
    size_t n = strlen(text), suffix_n = strlen(suffix);
    return n >= suffix_n && strcmp(text + n - suffix_n, suffix) == 0;
}

/* Every flag but `skip` is shown the same in both texts. */
static void check_others(
    struct flipt_testing *t,
    const struct file *f,
    const char *before,
    const char *after,
    size_t skip)
{
    for (size_t i = 0; i < f->flags; i++) {
        char name[32];
        if (i == skip)
            continue;
        snprintf(name, sizeof(name), "f%zu", i);
        char *old = flipt_testing_spec(t, before, &flipt_kind_flag, name);
        char *new = flipt_testing_spec(t, after, &flipt_kind_flag, name);
        if (old == NULL || new == NULL || strcmp(old, new) != 0)
            fail_msg("%s: %s\n%s\n%s", name, t->err.text, before, after);
        free(old);
        free(new);
    }
}

struct edited {
    char before[TEXT_MAX];
    char prefix[TEXT_MAX]; /* what stands before the flag's lines */
    char suffix[TEXT_MAX]; /* and behind them */
};

static void make_edited(const struct file *f, size_t flag, struct edited *e)
{
    join(f, 0, f->flags, e->before);
    join(f, 0, flag, e->prefix);
    if (flag == 0)
        memcpy(e->prefix, f->head, strlen(f->head) + 1);
    join(f, flag + 1, f->flags, e->suffix);
    memmove(e->suffix + strlen(f->gap[flag]), e->suffix, strlen(e->suffix) + 1);
    memcpy(e->suffix, f->gap[flag], strlen(f->gap[flag]));
}

static void check_put(struct file *f, const struct edited *e, size_t flag, const char *spec)
{
    struct flipt_testing t = {0};
    char name[32];
    snprintf(name, sizeof(name), "f%zu", flag);
    if (flipt_testing_change(&t, e->before, &flipt_kind_flag, name, spec) != CUP_SDK_OK)
        fail_msg("%s: %s\n%s", name, t.err.text, e->before);
    if (!has_prefix(t.text, e->prefix) || !has_suffix(t.text, e->suffix))
        fail_msg("%s: %s\n%s-- became --\n%s", name, spec, e->before, t.text);
    check_others(&t, f, e->before, t.text, flag);
    char *after = flipt_copy(&t.arena, t.text, strlen(t.text));
    assert_int_equal(flipt_testing_change(&t, after, &flipt_kind_flag, name, spec), CUP_SDK_OK);
    assert_false(t.is_changed);
    flipt_arena_free(&t.arena);
}

static void test_put__leaves_the_bytes_around_alone(void **state)
{
    static const char *const specs[] = {
        "{}",
        "{\"description\":\"a: # 'b'\",\"enabled\":true}",
        "{\"enabled\":true,\"variants\":[{\"key\":\"v1\",\"name\":\"yes\"},{\"key\":\"v0\"},"
        "{\"key\":\"new\",\"attachment\":[[],{},\"x\\ny\",1.50]}]}",
        "{\"type\":\"T\",\"description\":\"two\\nlines\",\"variants\":[{\"key\":\"v2\","
        "\"attachment\":"
        "{\"n\":1,\"list\":[[\"a\",{\"b\":\"d\"}]]}}],\"rules\":[{\"segments\":[\"t\",\"s\"],"
        "\"segmentOperator\":\"O\"},{\"segment_key\":\"s\"}]}",
        "{\"name\":\"~\",\"rules\":[{\"segment_key\":\"s\",\"rank\":3}],\"rollouts\":[{"
        "\"threshold\":"
        "{\"percentage\":0.10,\"value\":false}}]}",
    };
    struct file *f = cup_sdk_alloc(sizeof(*f));
    struct edited *e = cup_sdk_alloc(sizeof(*e));
    (void)state;
    for (uint64_t seed = 1; seed <= FILES; seed++) {
        make_file(f, seed);
        size_t flag = choose(f, f->flags);
        make_edited(f, flag, e);
        for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
            check_put(f, e, flag, specs[i]);
    }
    free(f);
    free(e);
}

static void test_put__of_what_was_got_changes_nothing(void **state)
{
    struct file *f = cup_sdk_alloc(sizeof(*f));
    char *text = cup_sdk_alloc(TEXT_MAX);
    (void)state;
    for (uint64_t seed = 1; seed <= FILES; seed++) {
        make_file(f, seed);
        join(f, 0, f->flags, text);
        for (size_t i = 0; i < f->flags; i++) {
            struct flipt_testing t = {0};
            char name[32];
            snprintf(name, sizeof(name), "f%zu", i);
            char *spec = flipt_testing_spec(&t, text, &flipt_kind_flag, name);
            if (spec == NULL)
                fail_msg("%s\n%s", t.err.text, text);
            assert_int_equal(
                flipt_testing_change(&t, text, &flipt_kind_flag, name, spec), CUP_SDK_OK);
            assert_false(t.is_changed);
            free(spec);
            flipt_arena_free(&t.arena);
        }
    }
    free(f);
    free(text);
}

static void test_delete__leaves_the_bytes_around_alone(void **state)
{
    struct file *f = cup_sdk_alloc(sizeof(*f));
    struct edited *e = cup_sdk_alloc(sizeof(*e));
    (void)state;
    for (uint64_t seed = 1; seed <= FILES; seed++) {
        struct flipt_testing t = {0};
        char name[32];
        make_file(f, seed);
        size_t flag = choose(f, f->flags);
        make_edited(f, flag, e);
        snprintf(name, sizeof(name), "f%zu", flag);
        if (flipt_testing_change(&t, e->before, &flipt_kind_flag, name, NULL) != CUP_SDK_OK)
            fail_msg("%s: %s\n%s", name, t.err.text, e->before);
        bool is_only = f->flags == 1; /* then "flags:" gets a "[]" */
        if (!has_suffix(t.text, e->suffix) || (!is_only && !has_prefix(t.text, e->prefix)) ||
            strlen(t.text) != strlen(e->prefix) + strlen(e->suffix) + (is_only ? 3 : 0))
            fail_msg("%s:\n%s-- became --\n%s", name, e->before, t.text);
        check_others(&t, f, e->before, t.text, flag);
        flipt_arena_free(&t.arena);
    }
    free(f);
    free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put__leaves_the_bytes_around_alone),
        cmocka_unit_test(test_put__of_what_was_got_changes_nothing),
        cmocka_unit_test(test_delete__leaves_the_bytes_around_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
