/* Runs of cup that ask no server: arguments, help, configuration, completion, images without one. */
#include "cli/config.h"
#include "cli/progress.h"
#include "cli/run.h"
#include "cli/testing.h"

static void test_run__has_an_exit_code_for_each_failure(void **state)
{
    (void)state;
    static const struct {
        const char *args[6];
        int code;
        const char *notes;
    } rows[] = {
        {{"bogus"}, 2, "cup: unknown command 'cup bogus'\n  'cup help' lists the commands\n"},
        {{"aply"}, 2, "cup: unknown command 'cup aply'\n  did you mean 'cup apply'?\n"},
        {{"pr", "merg"},
         2,
         "cup: unknown command 'cup proposal merg'\n  did you mean 'cup proposal merge'?\n"},
        {{"-x", "get"}, 2, "cup: unknown flag '-x'\n  see 'cup help'\n"},
        {{"get", "--nope"}, 2, "cup: unknown flag '--nope'\n  see 'cup help get'\n"},
        {{"get"}, 2, "cup: 'cup get' needs a type\n  see 'cup help get'\n"},
        {{"delete", "widgets"},
         2,
         "cup: 'cup delete' needs a type and a name, or -f\n  see 'cup help delete'\n"},
        {{"edit", "a", "b", "c"},
         2,
         "cup: 'cup edit' does not take argument 'c'\n  see 'cup help edit'\n"},
        {{"get", "w", "-o", "xml"},
         2,
         "cup: unknown output 'xml': it is one of table, wide, json, yaml, name\n"
         "  see 'cup help get'\n"},
        {{"-l", "nope", "version"},
         2,
         "cup: unknown level 'nope': it is one of debug, info, warn, error\n"
         "  see 'cup help version'\n"},
        {{"get", "w", "--timeout", "soon"}, 2, NULL},
        {{"version", "--revision", "x"},
         2,
         "cup: 'cup version' does not take '--revision'\n  see 'cup help version'\n"},
        {{"get", "w", "--revision", "x", "--proposal=y"}, 2, NULL},
        {{"apply", "--proposal", "01J"}, 6, NULL},
        {{"-a", "localhost:1", "defs"},
         2,
         "cup: address 'localhost:1' has no scheme: write http://localhost:1\n"
         "  see 'cup help definitions'\n"},
        {{"-a", "http://user:secret@127.0.0.1:1", "defs"}, 8, NULL},
        {{"-c", "/nonexistent/c.json", "defs"}, 3, NULL},
        {{"apply", "-f", "/nonexistent/a.json"}, 3, NULL},
        {{"push", "hello:v1"}, 2, NULL},
        {{"pull", "hello:v1"}, 2, NULL},
        {{"pull", "Bad Ref"}, 6, NULL},
        {{"inspect", "hello:v1"}, 3, NULL},
        {{"inspect", "h/a:b", "--cert-file", "x"},
         2,
         "cup: '--cert-file' and '--key-file' go together\n  see 'cup help inspect'\n"},
        {{"inspect", "h/a:b", "--registry-config", "/nonexistent"}, 3, NULL},
        {{"completion", "csh"}, 2, NULL},
        {{"help", "nothing"}, 2, NULL},
    };
    auto_run struct test_run t;
    test_run_init(&t);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_run_cup(&t, rows[i].args);
        assert_int_equal(t.code, rows[i].code);
        assert_string_equal(t.out, "");
        assert_true(str_starts(str_from(t.notes), STR("cup: ")));
        assert_null(strstr(t.notes, "secret"));
        if (rows[i].notes != NULL)
            assert_string_equal(t.notes, rows[i].notes);
    }
}

static void test_run__takes_flags_before_and_after_the_command(void **state)
{
    (void)state;
    static const char *const rows[][5] = {
        {"-o", "json", "version"}, {"version", "-o", "json"}, {"version", "-ojson", "-q"}};
    auto_run struct test_run t;
    test_run_init(&t);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_run_cup(&t, rows[i]);
        assert_string_equal(t.out, "{\n  \"version\": \"" CUP_VERSION "\"\n}\n");
    }
    test_cup(&t, "--version");
    assert_string_equal(t.out, "cup " CUP_VERSION "\n");
    test_cup(&t, "version");
    assert_string_equal(t.out, "cup " CUP_VERSION "\n");
}

/* --- help and completion, made from the table ----------------------------------------------------- */

static void check_command(struct test_run *t, const struct cli_command *command, const char *above)
{
    autofree char *path = mem_printf("%s%s%s", above, above[0] == '\0' ? "" : " ", command->name);
    assert_true(command->summary[0] >= 'A' && command->summary[0] <= 'Z');
    assert_false(str_ends(str_from(command->summary), STR(".")));
    assert_true(command->run != NULL || command->commands != NULL);
    bool has_options = command->options != NULL || command->shared_options != NULL;
    assert_int_equal(has_options, command->options_bytes > 0);
    for (const struct cli_command *const *c = command->commands; c != NULL && *c != NULL; c++) {
        assert_true(c[1] == NULL || strcmp((*c)->name, c[1]->name) < 0);
        check_command(t, *c, path);
    }
    struct str words = str_from(path);
    autofree char *first = mem_strdup_str(str_cut(&words, ' '));
    autofree char *second = words.p == NULL ? NULL : mem_strdup_str(str_cut(&words, ' '));
    autofree char *third = words.p == NULL ? NULL : mem_strdup_str(words);
    test_cup(t, "help", first, second, third);
    autofree char *head = mem_printf("cup %s - %s\n", path, command->summary);
    assert_int_equal(t->code, 0);
    assert_true(str_starts(str_from(t->out), str_from(head)));
    for (const struct cli_option *o = command->options; o != NULL && o->name != NULL; o++) {
        autofree char *flag = mem_printf("--%s", o->name);
        assert_non_null(strstr(t->out, flag));
    }
}

static void test_help__knows_every_command_and_flag(void **state)
{
    (void)state;
    auto_run struct test_run t;
    test_run_init(&t);
    for (const struct cli_command *const *c = cli_commands; *c != NULL; c++) {
        assert_true(c[1] == NULL || strcmp((*c)->name, c[1]->name) < 0);
        check_command(&t, *c, "");
    }
    test_cup(&t, "help");
    autofree char *help = mem_strdup(t.out);
    for (const struct cli_command *const *c = cli_commands; *c != NULL; c++)
        assert_non_null(strstr(help, (*c)->summary));
    test_run_cup(&t, (const char *const[]){NULL});
    assert_string_equal(t.out, help);
    test_cup(&t, "get", "-h");
    assert_true(str_starts(str_from(t.out), STR("cup get - ")));
    test_cup(&t, "help", "exit-codes");
    assert_non_null(strstr(t.out, "7   a digest or signature does not verify"));
}

static void test_completion__names_every_command(void **state)
{
    (void)state;
    static const char *const shells[] = {"bash", "fish", "zsh"};
    auto_run struct test_run t;
    test_run_init(&t);
    for (size_t i = 0; i < ARRAY_LEN(shells); i++) {
        test_cup(&t, "completion", shells[i]);
        assert_int_equal(t.code, 0);
        for (const struct cli_command *const *c = cli_commands; *c != NULL; c++)
            assert_non_null(strstr(t.out, (*c)->name));
        assert_non_null(strstr(t.out, "all-namespaces"));
        assert_non_null(strstr(t.out, "merge"));
    }
}

/* --- configuration: as upstream writes it ------------------------------------------- */

#define DEFAULT_FILE                                                                               \
    "{\"current_context\":\"default\",\"contexts\":{\"default\":{\"address\":"                     \
    "\"http://localhost:8181\",\"namespace\":\"default\"}}}\n"

static void expect_file(const struct test_run *t, const char *want)
{
    autofree char *path = fs_join(t->home, ".config/cup/config.json");
    autobuf struct buf text = {0};
    assert_int_equal(fs_read_file(path, 4096, &text, NULL), ERR_OK);
    assert_string_equal(text.p, want);
}

static void test_config__is_upstreams(void **state)
{
    (void)state;
    auto_run struct test_run t;
    test_run_init(&t);
    test_cup(&t, "-h");
    expect_file(&t, DEFAULT_FILE);
    test_cup(&t, "config", "context");
    assert_string_equal(
        t.out,
        "NAME      ADDRESS                 NAMESPACE   CURRENT   \n"
        "default   http://localhost:8181   default     *         \n");
    test_cup(&t, "-o", "json", "c", "ctx");
    assert_string_equal(
        t.out,
        "{\n  \"address\": \"http://localhost:8181\",\n  \"namespace\": \"default\",\n"
        "  \"name\": \"default\"\n}\n");
    test_cup(&t, "config", "context", "set", "address=http://127.0.0.1:9");
    test_cup(&t, "config", "ctx", "set", "namespace=a=b");
    assert_string_equal(t.out, "");
    expect_file(
        &t,
        "{\"current_context\":\"default\",\"contexts\":{\"default\":{\"address\":"
        "\"http://127.0.0.1:9\",\"namespace\":\"a=b\"}}}\n");
    test_cup(&t, "config", "context", "set", "foo");
    assert_int_equal(t.code, 2);
    test_cup(&t, "config", "context", "set", "color=red");
    assert_string_equal(
        t.notes,
        "cup: unknown setting 'color': it is one of address, namespace\n"
        "  see 'cup help config context set'\n");
}

static void test_config__flags_and_environment_count_first(void **state)
{
    (void)state;
    auto_run struct test_run t;
    test_run_init(&t);
    autofree char *two = test_file(
        &t, "two.json",
        "{\"current_context\":\"prod\",\"contexts\":{\"z\":{\"address\":\"http://z\"},"
        "\"prod\":{\"address\":\"http://u:p@h:1\",\"namespace\":\"\"}}}");
    test_cup(&t, "-c", two, "config", "context");
    assert_string_equal(
        t.out,
        "NAME   ADDRESS      NAMESPACE   CURRENT   \n"
        "prod   http://h:1   default     *         \n"
        "z      http://z     default               \n");
    t.env.ns = "from-environment";
    t.env.config = two;
    test_cup(&t, "config", "view");
    assert_non_null(strstr(t.out, "from-environment"));
    test_cup(&t, "-n", "q", "-a", "http://o", "config", "view", "-o", "json");
    assert_non_null(strstr(t.out, "\"address\": \"http://o\",\n  \"namespace\": \"q\""));
    t.env.token = "top-secret";
    test_cup(&t, "config", "view");
    assert_non_null(strstr(t.out, "from CUP_TOKEN"));
    assert_null(strstr(t.out, "top-secret"));
}

static void test_config__says_what_is_wrong_with_the_file(void **state)
{
    (void)state;
    auto_run struct test_run t;
    test_run_init(&t);
    autofree char *junk = test_file(&t, "junk.json", "junk");
    autofree char *gone = test_file(&t, "gone.json", "{\"current_context\":\"x\",\"contexts\":{}}");
    test_cup(&t, "-c", junk, "definitions");
    assert_int_equal(t.code, 6);
    assert_non_null(strstr(t.notes, "junk.json"));
    test_cup(&t, "-c", gone, "definitions");
    assert_int_equal(t.code, 3);
    assert_non_null(strstr(t.notes, "no context 'x'"));
    test_cup(&t, "-c", gone, "config", "context");
    assert_int_equal(t.code, 0);
    assert_string_equal(t.out, "");
    t.env.home = NULL;
    test_cup(&t, "definitions");
    assert_int_equal(t.code, 1);
    t.env.xdg_config_home = "rel";
    test_cup(&t, "definitions");
    assert_non_null(strstr(t.notes, "XDG_CONFIG_HOME is relative"));
}

/* --- progress ------------------------------------------------------------------------------------- */

static char *progress_of(bool is_terminal, bool is_quiet)
{
    char *text = NULL;
    size_t n = 0;
    struct cli c = {
        .io = {.notes = open_memstream(&text, &n), .is_notes_tty = is_terminal},
        .level = LOG_INFO,
        .globals = {.is_quiet = is_quiet},
    };
    struct cli_progress p;
    static const char digest[] = "sha256:0123456789abcdef";
    cli_progress_init(&p, &c);
    cli_progress_step(&p, "pull", digest, 1024, 4096);
    cli_progress_step(&p, "pull", digest, 2048, 4096); /* too soon to be drawn */
    cli_progress_step(&p, "pull", digest, 4096, 4096);
    cli_progress_step(&p, "pull", digest, 1, 2);
    cli_progress_deinit(&p);
    fclose(c.io.notes);
    return text;
}

static void test_progress__is_a_line_a_layer(void **state)
{
    (void)state;
    autofree char *terminal = progress_of(true, false);
    autofree char *lines = progress_of(false, false);
    autofree char *quiet = progress_of(true, true);
    assert_string_equal(
        terminal,
        "pull sha256:0123456789ab  1.0 KiB of 4.0 KiB\n"
        "\x1b[1A\r\x1b[Jpull sha256:0123456789ab  4.0 KiB\n"
        "pull sha256:0123456789ab  1 B of 2 B\n");
    assert_string_equal(lines, "pull sha256:0123456789ab  4.0 KiB\n");
    assert_string_equal(quiet, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run__has_an_exit_code_for_each_failure),
        cmocka_unit_test(test_run__takes_flags_before_and_after_the_command),
        cmocka_unit_test(test_help__knows_every_command_and_flag),
        cmocka_unit_test(test_completion__names_every_command),
        cmocka_unit_test(test_config__is_upstreams),
        cmocka_unit_test(test_config__flags_and_environment_count_first),
        cmocka_unit_test(test_config__says_what_is_wrong_with_the_file),
        cmocka_unit_test(test_progress__is_a_line_a_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
