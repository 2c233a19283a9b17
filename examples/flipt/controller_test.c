/* The controller as a host runs it: a folder of files, arguments, standard streams, an exit code. */
#include "controller.h"
#include "cup_sdk.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGS_MAX 6

struct folder {
    char tree[64]; /* the repository */
    char io[64];   /* the streams */
};

struct result {
    int code;
    char *out;
    char *errors;
};

static int set_up(void **state)
{
    struct folder *f = cup_sdk_alloc(sizeof(*f));
    *f = (struct folder){"/tmp/flipt-test-XXXXXX", "/tmp/flipt-test-XXXXXX"};
    assert_non_null(mkdtemp(f->tree));
    assert_non_null(mkdtemp(f->io));
    *state = f;
    return 0;
}

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *d;
    char child[512];
    while (dir != NULL && (d = readdir(dir)) != NULL) {
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        snprintf(child, sizeof(child), "%s/%s", path, d->d_name);
        if (unlink(child) != 0)
            remove_tree(child);
    }
    if (dir != NULL)
        closedir(dir);
    rmdir(path);
}

static int tear_down(void **state)
{
    struct folder *f = *state;
    remove_tree(f->tree);
    remove_tree(f->io);
    free(f);
    return 0;
}

static void put_file(const char *folder, const char *name, const char *text)
{
    char path[512];
    struct cup_sdk_err err;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (cup_sdk_write_file(path, text, strlen(text), &err) != CUP_SDK_OK)
        fail_msg("%s", err.text);
}

static char *get_file(const char *folder, const char *name)
{
    char path[512], *text = NULL;
    size_t n;
    struct cup_sdk_err err;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (cup_sdk_read_file(path, 1 << 20, &text, &n, &err) != CUP_SDK_OK)
        fail_msg("%s", err.text);
    return text;
}

static void check_file(const struct folder *f, const char *name, const char *expected)
{
    char *text = get_file(f->tree, name);
    assert_string_equal(text, expected);
    free(text);
}

static void redirect(const char *folder, const char *name, int flags, int to)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0 || dup2(fd, to) < 0)
        _exit(99);
}

/* The child leaves by exit() so that its streams are flushed and a leak checker has its say. */
static struct result call(const struct folder *f, const char *in, const char *const *args)
{
    char *argv[ARGS_MAX + 1] = {NULL};
    int argc = 0, status = 0;
    for (; args[argc] != NULL; argc++)
        argv[argc] = cup_sdk_copy(args[argc], strlen(args[argc]));
    put_file(f->io, "in", in);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        redirect(f->io, "in", O_RDONLY, 0);
        redirect(f->io, "out", O_WRONLY | O_CREAT | O_TRUNC, 1);
        redirect(f->io, "errors", O_WRONLY | O_CREAT | O_TRUNC, 2);
        if (chdir(f->tree) != 0)
            _exit(99);
        int code = flipt_controller_run(argc, argv);
        fflush(NULL);
        _exit(code);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return (struct result){
        WIFEXITED(status) ? WEXITSTATUS(status) : -1,
        get_file(f->io, "out"),
        get_file(f->io, "errors"),
    };
}

/* `out` NULL: not looked at. `error` is part of what goes to standard error. */
static void expect(
    const struct folder *f,
    int code,
    const char *out,
    const char *error,
    const char *in,
    const char *const *args)
{
    struct result r = call(f, in, args);
    if (r.code != code || (out != NULL && strcmp(r.out, out) != 0) ||
        strstr(r.errors, error) == NULL)
        fail_msg(
            "%s %s: exit %d\n%s\n%s\n-- instead of exit %d --\n%s\n%s", args[1], args[2], r.code,
            r.out, r.errors, code, out != NULL ? out : "", error);
    free(r.out);
    free(r.errors);
}

#define CALL(...) ((const char *const[]){"wasi", __VA_ARGS__, NULL})
#define OBJECT(kind, ns, name, spec)                                                               \
    "{\"apiVersion\":\"flipt.io/v1alpha1\",\"kind\":\"" kind                                       \
    "\",\"metadata\":{\"namespace\":\"" ns "\",\"name\":\"" name                                   \
    "\",\"labels\":null,\"annotations\":null},\"spec\":" spec "}\n"
#define FLAG_SPEC(type, description, enabled)                                                      \
    "{\"key\":\"\",\"name\":\"\",\"type\":\"" type "\",\"description\":\"" description             \
    "\",\"enabled\":" enabled ",\"variants\":null,\"rules\":null,\"rollouts\":null}"
#define SEGMENT_SPEC(match)                                                                        \
    "{\"key\":\"\",\"name\":\"\",\"description\":\"\",\"constraints\":null,\"match_type\":"        \
    "\"" match "\"}"

static void test_controller__gets_and_lists(void **state)
{
    const struct folder *f = *state;
    put_file(f->tree, "features.yml", "flags:\n- key: a\n  enabled: true\nsegments:\n- key: s\n");
    put_file(
        f->tree, "b/team.features.yaml",
        "namespace: {key: two, name: Two}\nflags:\n- key: b\n---\n# nothing\n---\nflags:\n- key: "
        "c\n");
    put_file(f->tree, "b/other.yaml", "flags: this is no feature file\n");
    put_file(f->tree, ".git/features.yml", "flags:\n- key: hidden\n");
    expect(
        f, 0, OBJECT("Flag", "default", "a", FLAG_SPEC("", "", "true")), "", "",
        CALL("get", "Flag", "default", "a"));
    expect(
        f, 0, OBJECT("Segment", "default", "s", SEGMENT_SPEC("")), "", "",
        CALL("get", "Segment", "default", "s"));
    expect(
        f, 0,
        OBJECT("Flag", "default", "c", FLAG_SPEC("", "", "false"))
            OBJECT("Flag", "default", "a", FLAG_SPEC("", "", "true")),
        "", "", CALL("list", "Flag", "default"));
    expect(
        f, 0, OBJECT("Flag", "two", "b", FLAG_SPEC("", "", "false")), "", "",
        CALL("list", "Flag", "two"));
    expect(f, 0, "", "", "", CALL("list", "Flag", "three"));
    expect(f, 0, "\"two\"\n\"default\"\n", "", "", CALL("namespaces", "Flag"));
    expect(f, 2, "", "no flag 'b' in namespace 'default'", "", CALL("get", "Flag", "default", "b"));
    expect(f, 2, "", "no flag 'a' in namespace 'x'", "", CALL("get", "Flag", "x", "a"));
}

static void test_controller__puts_where_the_object_is_or_belongs(void **state)
{
    const struct folder *f = *state;
    const char *spec = "{\"spec\":{\"description\":\"d\"}}";
    put_file(f->tree, "a.features.yml", "namespace: two\nflags: []\n");
    put_file(
        f->tree, "b.features.yml",
        "# b\nflags:\n- key: b\n---\nnamespace: two\nflags:\n- key: x\n");
    expect(f, 0, "", "", spec, CALL("put", "Flag", "two", "x"));
    check_file(f, "a.features.yml", "namespace: two\nflags: []\n");
    check_file(
        f, "b.features.yml",
        "# b\nflags:\n- key: b\n---\nnamespace: two\nflags:\n- key: x\n  description: d\n");
    expect(f, 0, "", "", spec, CALL("put", "Flag", "two", "new"));
    check_file(
        f, "a.features.yml",
        "namespace: two\nflags:\n- key: new\n  name: new\n  description: d\n  enabled: false\n");
    expect(
        f, 0, OBJECT("Flag", "two", "new", FLAG_SPEC("", "d", "false")), "", "",
        CALL("get", "Flag", "two", "new"));
}

static void test_controller__does_not_write_what_is_there(void **state)
{
    const struct folder *f = *state;
    char path[512];
    put_file(f->tree, "features.yml", "flags:\n- key: a # x\n  variants:\n  - {key: v}\n");
    struct result got = call(f, "", CALL("get", "Flag", "default", "a"));
    snprintf(path, sizeof(path), "%s/features.yml", f->tree);
    struct stat before, after;
    assert_int_equal(stat(path, &before), 0);
    expect(f, 0, "", "", got.out, CALL("put", "Flag", "default", "a"));
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    free(got.out);
    free(got.errors);
}

static void test_controller__makes_a_document_for_a_new_namespace(void **state)
{
    const struct folder *f = *state;
    expect(f, 0, "", "", "{\"spec\":{}}", CALL("put", "Flag", "default", "a"));
    check_file(
        f, "features.yml", "namespace: default\nflags:\n- key: a\n  name: a\n  enabled: false\n");
    expect(
        f, 0, "", "", "{\"spec\":{\"match_type\":\"ANY_MATCH_TYPE\"}}",
        CALL("put", "Segment", "no", "s"));
    check_file(
        f, "features.yml",
        "namespace: default\nflags:\n- key: a\n  name: a\n  enabled: false\n---\n"
        "namespace: \"no\"\nsegments:\n- key: s\n  name: s\n  match_type: ANY_MATCH_TYPE\n");
    expect(f, 0, "\"default\"\n\"no\"\n", "", "", CALL("namespaces", "Segment"));
}

static void test_controller__adds_to_a_file_of_comments(void **state)
{
    const struct folder *f = *state;
    put_file(f->tree, "features.yml", "# nothing yet");
    expect(f, 0, "", "", "{\"spec\":{}}", CALL("put", "Flag", "default", "a"));
    check_file(
        f, "features.yml",
        "# nothing yet\nnamespace: default\nflags:\n- key: a\n  name: a\n  enabled: false\n");
}

static void test_controller__deletes_everywhere(void **state)
{
    const struct folder *f = *state;
    put_file(
        f->tree, "a.features.yml", "flags:\n- key: x\n- key: y\n---\nflags:\n- key: x # again\n");
    put_file(f->tree, "b.features.yml", "flags:\n- key: z\n- key: x\n");
    expect(f, 0, "", "", "", CALL("delete", "Flag", "default", "x"));
    check_file(f, "a.features.yml", "flags:\n- key: y\n---\nflags: []\n");
    check_file(f, "b.features.yml", "flags:\n- key: z\n");
    expect(f, 2, "", "no flag 'x'", "", CALL("delete", "Flag", "default", "x"));
    expect(f, 2, "", "no segment 'x'", "", CALL("delete", "Segment", "default", "x"));
}

static void test_controller__follows_the_index_file(void **state)
{
    const struct folder *f = *state;
    put_file(
        f->tree, ".flipt.yml", "version: 1.0\ninclude: ['flags/*.yml']\nexclude:\n- '**old*'\n");
    put_file(f->tree, "features.yml", "flags:\n- key: a\n");
    put_file(f->tree, "flags/old.yml", "flags:\n- key: b\n");
    put_file(f->tree, "flags/team/new.yml", "flags:\n- key: c\n");
    expect(
        f, 0, OBJECT("Flag", "default", "c", FLAG_SPEC("", "", "false")), "", "",
        CALL("list", "Flag", "default"));
    expect(f, 0, "", "", "{\"spec\":{}}", CALL("put", "Flag", "other", "x"));
    check_file(
        f, "flags/team/new.yml",
        "flags:\n- key: c\n---\nnamespace: other\nflags:\n- key: x\n  name: x\n  enabled: false\n");
    put_file(f->tree, ".flipt.yml", "include: ['none/*']\n");
    expect(
        f, 1, "", "'.flipt.yml' does not include 'features.yml'", "{\"spec\":{}}",
        CALL("put", "Flag", "default", "x"));
    put_file(f->tree, ".flipt.yml", "exclude: ['flags/**']\n");
    expect(
        f, 0, OBJECT("Flag", "default", "a", FLAG_SPEC("", "", "false")), "", "",
        CALL("list", "Flag", "default"));
    put_file(f->tree, ".flipt.yml", "include: x\n");
    expect(f, 1, "", ".flipt.yml:1: patterns are not a list", "", CALL("list", "Flag", "default"));
}

static void test_controller__names_what_is_wrong(void **state)
{
    const struct folder *f = *state;
    put_file(f->tree, "features.yml", "flags:\n- key: a\n  variants: x\n");
    expect(
        f, 1, NULL, "features.yml:3: 'variants' is not a list", "",
        CALL("list", "Flag", "default"));
    expect(
        f, 1, "", "metadata.name is not 'a'", "{\"metadata\":{\"name\":\"b\"},\"spec\":{}}",
        CALL("put", "Flag", "default", "a"));
    expect(f, 1, "", "'spec' is not an object", "{}", CALL("put", "Flag", "default", "a"));
    expect(f, 1, "", "not JSON", "{", CALL("put", "Flag", "default", "a"));
    put_file(f->tree, "features.yml", "- x\n");
    expect(
        f, 1, "", "features.yml:1: a document that is not a mapping", "",
        CALL("namespaces", "Flag"));
    put_file(f->tree, "features.yml", "flags: [\n");
    expect(f, 1, "", "features.yml:", "", CALL("get", "Flag", "default", "a"));
    check_file(f, "features.yml", "flags: [\n");
}

/* Requests and files as upstream's controller was recorded with them, comments added. */
static void test_controller__answers_as_upstream(void **state)
{
    const struct folder *f = *state;
    put_file(
        f->tree, "features.yml",
        "namespace: default\nflags:\n- key: one   # 1\n  name: One\n  description: First\n"
        "  enabled: true\n  variants:\n  - key: x\n    name: X\nsegments:\n- key: beta\n"
        "  name: Beta\n  match_type: ALL_MATCH_TYPE\n");
    expect(
        f, 0,
        OBJECT(
            "Flag", "default", "one",
            "{\"key\":\"\",\"name\":\"\",\"type\":\"\",\"description\":\"First\",\"enabled\":true,"
            "\"variants\":[{\"key\":\"x\",\"name\":\"X\",\"description\":\"\",\"attachment\":null}]"
            ","
            "\"rules\":null,\"rollouts\":null}"),
        "", "", CALL("list", "Flag", "default"));
    expect(
        f, 0, "", "",
        "{\"spec\":{\"type\":\"BOOLEAN_FLAG_TYPE\",\"enabled\":false,\"description\":\"2 "
        "\\u003cx\\u003e\","
        "\"variants\":null,\"rules\":[],\"rollouts\":[{\"threshold\":{\"percentage\":10,\"value\":"
        "true}}]}}",
        CALL("put", "Flag", "default", "two"));
    expect(f, 0, "", "", "", CALL("delete", "Flag", "default", "one"));
    check_file(
        f, "features.yml",
        "namespace: default\nflags:\n- key: two\n  name: two\n  type: BOOLEAN_FLAG_TYPE\n"
        "  description: 2 <x>\n  enabled: false\n  rollouts:\n  - threshold:\n      percentage: "
        "10\n"
        "      value: true\nsegments:\n- key: beta\n  name: Beta\n  match_type: ALL_MATCH_TYPE\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_controller__gets_and_lists, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_controller__puts_where_the_object_is_or_belongs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_controller__does_not_write_what_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_controller__makes_a_document_for_a_new_namespace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_controller__adds_to_a_file_of_comments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_controller__deletes_everywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_controller__follows_the_index_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_controller__names_what_is_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_controller__answers_as_upstream, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
