#include "base/mem.h"
#include "base/testing.h"
#include "core/template_controller.h"
#include "vfs/memtree.h"

static const struct core_kind widget = {
    .group = "demo.example",
    .version = "v1",
    .kind = "Widget",
    .singular = "widget",
    .plural = "widgets",
};

#define NOTES_LIST "{{ replace .Group \".\" \"_\" }}/{{ .Namespace }}/*/note-?*.json"
#define NOTES_RESOURCE                                                                             \
    "{{ replace .Group \".\" \"_\" }}/{{ .Namespace }}/"                                           \
    "{{ if eq .Namespace \"prod\" }}live{{ else }}draft{{ end }}/note-{{ .Name }}.json"

struct fixture {
    struct core_controller *controller;
    struct vfs *tree;
    struct overlay *overlay;
    struct buf seen; /* "origin: document;" of each emit */
    enum err_kind sink_fails;
    struct err err;
};

static void add(struct fixture *f, const char *path, enum vfs_type type, const char *bytes)
{
    assert_int_equal(memtree_add(f->tree, str_from(path), type, str_from(bytes), &f->err), ERR_OK);
}

static void fixture_init(struct fixture *f, const char *list, const char *resource)
{
    *f = (struct fixture){0};
    f->tree = memtree_new();
    enum err_kind r =
        core_template_controller_new("paths", list, resource, &f->controller, &f->err);
    if (r != ERR_OK)
        fail_msg("%s", f->err.text);
}

static void fixture_deinit(struct fixture *f)
{
    core_controller_unref(f->controller);
    overlay_free(f->overlay);
    vfs_free(f->tree);
    buf_deinit(&f->seen);
}

static enum err_kind collect(void *data, struct str document, const char *origin, struct err *err)
{
    struct fixture *f = data;
    if (f->sink_fails != ERR_OK)
        return err_set(err, f->sink_fails, "%s is bad", origin);
    buf_printf(&f->seen, "%s: ", origin);
    buf_str(&f->seen, document);
    buf_char(&f->seen, ';');
    return ERR_OK;
}

static struct core_call call_of(const struct fixture *f, const char *ns, const char *name)
{
    return (struct core_call){
        .kind = &widget,
        .ns = str_from(ns),
        .name = str_from(name),
        .tree = f->tree,
        .overlay = f->overlay,
    };
}

static enum err_kind get(struct fixture *f, const char *ns, const char *name)
{
    struct core_call call = call_of(f, ns, name);
    buf_clear(&f->seen);
    return f->controller->ops->get(f->controller, &call, collect, f, &f->err);
}

static enum err_kind list(struct fixture *f, const char *ns)
{
    struct core_call call = call_of(f, ns, "");
    buf_clear(&f->seen);
    return ns == NULL ? f->controller->ops->list_all(f->controller, &call, collect, f, &f->err)
                      : f->controller->ops->list(f->controller, &call, collect, f, &f->err);
}

static enum err_kind put(struct fixture *f, const char *ns, const char *name, const char *body)
{
    if (f->overlay == NULL)
        f->overlay = overlay_new(f->tree, (uint64_t)1 << 20);
    struct core_call call = call_of(f, ns, name);
    return f->controller->ops->put(f->controller, &call, str_from(body), &f->err);
}

static enum err_kind remove_object(struct fixture *f, const char *ns, const char *name)
{
    if (f->overlay == NULL)
        f->overlay = overlay_new(f->tree, (uint64_t)1 << 20);
    struct core_call call = call_of(f, ns, name);
    return f->controller->ops->remove(f->controller, &call, &f->err);
}

static void assert_seen(struct fixture *f, const char *expected)
{
    if (!str_eqz(buf_view(&f->seen), expected))
        fail_msg("saw '%.*s'", (int)f->seen.n, f->seen.p);
}

static void assert_says(struct fixture *f, const char *text)
{
    if (strstr(f->err.text, text) == NULL)
        fail_msg("says '%s'", f->err.text);
}

static void test_template_get__reads_the_default_path(void **state)
{
    (void)state;
    static const char *const defaults[] = {NULL, ""};
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
        struct fixture f;
        fixture_init(&f, defaults[i], defaults[i]);
        add(&f, "default/demo.example-v1-Widget-big.json", VFS_FILE, " {\"a\": 1.0} trailing");
        assert_int_equal(get(&f, "default", "big"), ERR_OK);
        assert_seen(&f, "file 'default/demo.example-v1-Widget-big.json':  {\"a\": 1.0} trailing;");
        fixture_deinit(&f);
    }
}

static void test_template_get__names_what_is_not_there(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, NULL);
    assert_int_equal(get(&f, "default", "nope"), ERR_NOT_FOUND);
    assert_says(
        &f,
        "no widget 'nope' in namespace 'default': no file "
        "'default/demo.example-v1-Widget-nope.json'");
    fixture_deinit(&f);
}

static void test_template_get__reads_no_link_and_no_directory(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, "{{ .Namespace }}/{{ .Name }}.json");
    add(&f, "a/link.json", VFS_LINK, "../../etc/passwd");
    add(&f, "a/dir.json/x", VFS_FILE, "");
    add(&f, "out", VFS_LINK, "/etc");
    assert_int_equal(get(&f, "a", "link"), ERR_CONFLICT);
    assert_says(&f, "'a/link.json' is a link, not a file");
    assert_int_equal(get(&f, "a", "dir"), ERR_CONFLICT);
    assert_says(&f, "is a directory, not a file");
    assert_int_equal(get(&f, "out", "x"), ERR_NOT_FOUND);
    fixture_deinit(&f);
}

static void test_template_get__passes_an_error_of_the_sink_on(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, "{{ .Name }}.json");
    add(&f, "b.json", VFS_FILE, "{");
    f.sink_fails = ERR_FAILED;
    assert_int_equal(get(&f, "a", "b"), ERR_FAILED);
    assert_says(&f, "file 'b.json' is bad");
    fixture_deinit(&f);
}

static void add_notes(struct fixture *f)
{
    static const char *const paths[] = {
        "demo_example/prod/live-b/note-c.json",
        "demo_example/prod/live/other.json",
        "demo_example/prod/live/note-b.json",
        "demo_example/prod/live/note-a.json",
        "demo_example/prod/draft/note-d.json",
        "demo_example/prod/draft/note-.json",
        "demo_example/prod/note-x.json",
        "demo_example/dev/draft/note-e.json",
        "demo_example/dev/draft/deeper/note-f.json",
    };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        add(f, paths[i], VFS_FILE, "{}");
}

static void test_template_list__goes_level_by_level_in_byte_order(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NOTES_LIST, NOTES_RESOURCE);
    add_notes(&f);
    assert_int_equal(list(&f, "prod"), ERR_OK);
    assert_seen(
        &f,
        "file 'demo_example/prod/draft/note-d.json': {};"
        "file 'demo_example/prod/live/note-a.json': {};"
        "file 'demo_example/prod/live/note-b.json': {};"
        "file 'demo_example/prod/live-b/note-c.json': {};");
    assert_int_equal(list(&f, "unknown"), ERR_OK);
    assert_seen(&f, "");
    fixture_deinit(&f);
}

static void test_template_list__matches_dot_names_but_never_git(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, "*/*.json", NULL);
    add(&f, ".hidden/.a.json", VFS_FILE, "1");
    add(&f, ".git/b.json", VFS_FILE, "2");
    add(&f, "c/c.txt", VFS_FILE, "3");
    add(&f, "d.json", VFS_FILE, "4");
    add(&f, "e", VFS_LINK, "c");
    assert_int_equal(list(&f, "x"), ERR_OK);
    assert_seen(&f, "file '.hidden/.a.json': 1;");
    fixture_deinit(&f);
}

static void test_template_list__names_what_matches_and_is_no_file(void **state)
{
    (void)state;
    static const enum vfs_type types[] = {VFS_DIR, VFS_LINK};
    static const char *const names[] = {"directory", "link"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct fixture f;
        fixture_init(&f, "a/*.json", NULL);
        add(&f, "a/x.json", types[i], types[i] == VFS_LINK ? "y" : "");
        assert_int_equal(list(&f, "n"), ERR_FAILED);
        assert_says(&f, "'a/x.json' matches list_template but is a");
        assert_says(&f, names[i]);
        fixture_deinit(&f);
    }
}

/* A directory whose one file is gone when it is read. */
static enum err_kind
stat_gone(struct vfs *v, struct str path, unsigned flags, struct vfs_stat *ret, struct err *err)
{
    (void)v;
    (void)path;
    (void)flags;
    (void)err;
    *ret = (struct vfs_stat){.type = VFS_FILE};
    return ERR_OK;
}

static enum err_kind
list_gone(struct vfs *v, struct str path, struct vfs_listing *ret, struct err *err)
{
    (void)v;
    (void)path;
    (void)err;
    *ret = (struct vfs_listing){0};
    vfs_listing_add(ret, STR("a.json"), VFS_FILE);
    vfs_listing_finish(ret);
    return ERR_OK;
}

static enum err_kind
read_gone(struct vfs *v, struct str path, struct vfs_data *ret, struct err *err)
{
    (void)v;
    (void)ret;
    return err_set(err, ERR_NOT_FOUND, "no file '" STR_FMT "'", STR_ARG(path));
}

static void free_gone(struct vfs *v)
{
    (void)v;
}

static void test_template_list__passes_over_what_was_deleted_meanwhile(void **state)
{
    (void)state;
    static const struct vfs_ops ops = {stat_gone, list_gone, read_gone, free_gone};
    struct vfs gone = {.ops = &ops};
    struct fixture f;
    fixture_init(&f, "*.json", "{{ .Name }}.json");
    struct core_call call = call_of(&f, "n", "a");
    call.tree = &gone;
    assert_int_equal(f.controller->ops->list(f.controller, &call, collect, &f, &f.err), ERR_OK);
    assert_seen(&f, "");
    assert_int_equal(
        f.controller->ops->get(f.controller, &call, collect, &f, &f.err), ERR_NOT_FOUND);
    fixture_deinit(&f);
}

static void test_template_list__reads_a_pattern_without_marks(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, "{{ .Namespace }}/one.json", NULL);
    add(&f, "a/one.json", VFS_FILE, "1");
    add(&f, "b", VFS_FILE, "2");
    assert_int_equal(list(&f, "a"), ERR_OK);
    assert_seen(&f, "file 'a/one.json': 1;");
    assert_int_equal(list(&f, "b"), ERR_OK);
    assert_seen(&f, "");
    fixture_deinit(&f);
}

static void test_template_list__refuses_a_bad_pattern(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, "{{ .Namespace }}/[a-/x", NULL);
    assert_int_equal(list(&f, "a"), ERR_INVALID);
    assert_says(&f, "controller 'paths': list_template: '[a-' is no pattern");
    fixture_deinit(&f);
}

static void test_template_list_all__opens_the_namespace_segment(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, NULL);
    add(&f, "team-a/demo.example-v1-Widget-one.json", VFS_FILE, "1");
    add(&f, "default/demo.example-v1-Widget-big.json", VFS_FILE, "2");
    add(&f, "default/demo.example-v1-Gadget-big.json", VFS_FILE, "3");
    add(&f, "-no-name/demo.example-v1-Widget-x.json", VFS_FILE, "4");
    add(&f, ".git/demo.example-v1-Widget-x.json", VFS_FILE, "5");
    assert_int_equal(list(&f, NULL), ERR_OK);
    assert_seen(
        &f,
        "file 'default/demo.example-v1-Widget-big.json': 2;"
        "file 'team-a/demo.example-v1-Widget-one.json': 1;");
    fixture_deinit(&f);
}

static void test_template_list_all__works_only_on_one_whole_segment(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        bool works;
    } rows[] = {
        {"x/{{ .Namespace }}/*.json", true},
        {"x/{{ .Request.Namespace }}/*.json", true},
        {"x/{{ replace .Namespace \"/\" \"_\" }}/*.json", true},
        {"x/a/*.json", true},
        {"x/{{ .Namespace }}-{{ .Kind }}/*.json", false},
        {"x/{{ .Namespace }}/{{ .Namespace }}.json", false},
        {"x/{{ .Namespace }}/{{ if eq .Namespace \"a\" }}a{{ else }}b{{ end }}.json", false},
        {"x/{{ if .Namespace }}a{{ end }}/*.json", false},
        {"x/{{ .String }}-/*.json", false},
        {"x/{{ .Namespace }}/{{ .Request }}.json", false},
        {"x/{{ if false }}{{ .Namespace }}{{ end }}a/*.json", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        fixture_init(&f, rows[i].list, NULL);
        add(&f, "x/a/b.json", VFS_FILE, "1");
        enum err_kind r = list(&f, NULL);
        if (r != (rows[i].works ? ERR_OK : ERR_UNSUPPORTED))
            fail_msg("'%s' gave %d %s", rows[i].list, r, f.err.text);
        if (rows[i].works)
            assert_seen(&f, "file 'x/a/b.json': 1;");
        else
            assert_says(&f, "NamespacesUnknown: controller 'paths' cannot list across namespaces");
        fixture_deinit(&f);
    }
}

static void
assert_change(struct fixture *f, enum vfs_change_kind kind, const char *path, const char *bytes)
{
    struct vfs_changes changes;
    assert_int_equal(overlay_changes(f->overlay, &changes, &f->err), ERR_OK);
    assert_int_equal(changes.count, 1);
    assert_int_equal(changes.items[0].kind, kind);
    assert_true(str_eqz(changes.items[0].path, path));
    assert_false(changes.items[0].is_executable);
    if (bytes != NULL && !str_eqz(changes.items[0].bytes, bytes))
        fail_msg("wrote '%.*s'", STR_ARG(changes.items[0].bytes));
}

/* Bytes as upstream writes them. */
static void test_template_put__writes_indented_with_its_own_tokens(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NOTES_LIST, NOTES_RESOURCE);
    const char *body = "{\"kind\":\"\",\"metadata\":{\"labels\":{},\"annotations\":null},\"spec\":"
                       "[1e400,1.0,12345678901234567890123,-0,1E+2,{},[],[{}],\"\\/<\"]}\n";
    assert_int_equal(put(&f, "n", "num", body), ERR_OK);
    assert_change(
        &f, VFS_CHANGE_PUT, "demo_example/n/draft/note-num.json",
        "{\n"
        "  \"kind\": \"\",\n"
        "  \"metadata\": {\n"
        "    \"labels\": {},\n"
        "    \"annotations\": null\n"
        "  },\n"
        "  \"spec\": [\n"
        "    1e400,\n"
        "    1.0,\n"
        "    12345678901234567890123,\n"
        "    -0,\n"
        "    1E+2,\n"
        "    {},\n"
        "    [],\n"
        "    [\n"
        "      {}\n"
        "    ],\n"
        "    \"\\/\\u003c\"\n"
        "  ]\n"
        "}\n");
    fixture_deinit(&f);
}

static void test_template_put__of_the_stored_bytes_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct vfs_changes changes;
    fixture_init(&f, NULL, "{{ .Name }}.json");
    add(&f, "a.json", VFS_FILE, "{\n  \"spec\": null\n}\n");
    assert_int_equal(put(&f, "n", "a", "{\"spec\":null}\n"), ERR_OK);
    assert_int_equal(overlay_changes(f.overlay, &changes, &f.err), ERR_OK);
    assert_int_equal(changes.count, 0);
    assert_int_equal(put(&f, "n", "a", "{\"spec\":1}\n"), ERR_OK);
    assert_change(&f, VFS_CHANGE_PUT, "a.json", "{\n  \"spec\": 1\n}\n");
    fixture_deinit(&f);
}

static void test_template_put__never_writes_through_or_over_what_is_no_file(void **state)
{
    (void)state;
    static const char *const names[] = {"link", "dir", "in-link", "in-file"};
    static const char *const resource =
        "{{ if eq .Name \"in-link\" }}out/x{{ else if eq .Name \"in-file\" }}file/x"
        "{{ else }}{{ .Name }}{{ end }}";
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct fixture f;
        struct vfs_changes changes;
        fixture_init(&f, NULL, resource);
        add(&f, "link", VFS_LINK, "/etc/passwd");
        add(&f, "dir/x", VFS_FILE, "");
        add(&f, "out", VFS_LINK, "/etc");
        add(&f, "file", VFS_FILE, "");
        if (put(&f, "n", names[i], "{}\n") != ERR_CONFLICT)
            fail_msg("'%s': %s", names[i], f.err.text);
        assert_says(&f, "path conflict");
        assert_int_equal(overlay_changes(f.overlay, &changes, &f.err), ERR_OK);
        assert_int_equal(changes.count, 0);
        fixture_deinit(&f);
    }
}

static void test_template_remove__takes_the_file_away(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, "{{ .Namespace }}/{{ .Name }}.json");
    add(&f, "a/b.json", VFS_FILE, "{}");
    add(&f, "a/dir.json/x", VFS_FILE, "{}");
    assert_int_equal(remove_object(&f, "a", "none"), ERR_NOT_FOUND);
    assert_says(&f, "no widget 'none' in namespace 'a'");
    assert_int_equal(remove_object(&f, "a", "dir"), ERR_CONFLICT);
    assert_int_equal(remove_object(&f, "a", "b"), ERR_OK);
    assert_change(&f, VFS_CHANGE_DELETE, "a/b.json", NULL);
    assert_int_equal(remove_object(&f, "a", "b"), ERR_NOT_FOUND);
    fixture_deinit(&f);
}

static void test_adv_34__template_paths_stay_inside_and_off_git(void **state)
{
    (void)state;
    static const struct {
        const char *resource;
        enum err_kind kind;
    } rows[] = {
        {"../{{ .Name }}", ERR_INVALID},
        {"a/../../{{ .Name }}", ERR_INVALID},
        {"/{{ .Name }}", ERR_INVALID},
        {"a//{{ .Name }}", ERR_INVALID},
        {"./{{ .Name }}", ERR_INVALID},
        {"a/", ERR_INVALID},
        {"{{ if false }}x{{ end }}", ERR_INVALID},
        {"{{ .Name }}\n", ERR_INVALID},
        {"{{ .Name }}{{ \"\\x00\" }}", ERR_INVALID},
        {"{{ .Name }}{{ \"\\xff\" }}", ERR_INVALID},
        {"{{ .Name }}{{ \"\\x1b\" }}[31m", ERR_INVALID},
        {".git/config", ERR_DENIED},
        {".GIT/{{ .Name }}", ERR_DENIED},
        {"a/.git/{{ .Name }}", ERR_DENIED},
        {".gitmodules", ERR_DENIED},
        {".github/workflows/{{ .Name }}", ERR_DENIED},
        {".cup/{{ .Name }}", ERR_DENIED},
        {"docs/CODEOWNERS", ERR_DENIED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fixture f;
        fixture_init(&f, NULL, rows[i].resource);
        if (put(&f, "n", "x", "{}\n") != rows[i].kind)
            fail_msg("put '%s': %s", rows[i].resource, f.err.text);
        assert_says(&f, "controller 'paths'");
        if (remove_object(&f, "n", "x") != rows[i].kind)
            fail_msg("delete '%s': %s", rows[i].resource, f.err.text);
        enum err_kind r = get(&f, "n", "x");
        if (r != (rows[i].kind == ERR_DENIED ? ERR_NOT_FOUND : ERR_INVALID))
            fail_msg("get '%s': %s", rows[i].resource, f.err.text);
        fixture_deinit(&f);
    }
}

static void test_template_new__refuses_bad_templates_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        const char *resource;
        const char *says;
    } rows[] = {
        {"{{ .Name }}", NULL, "controller 'x': list_template, line 1, column 4: no member '.Name'"},
        {NULL, "{{ .Labels }}", "controller 'x': resource_template, line 1, column 4: no member"},
        {NULL, "{{ .Resource.Kind }}", "no member '.Resource.Kind'"},
        {NULL, "{{ .Name", "resource_template, line 1, column 9"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct core_controller *c = NULL;
        struct err err = {0};
        assert_int_equal(
            core_template_controller_new("x", rows[i].list, rows[i].resource, &c, &err),
            ERR_INVALID);
        if (strstr(err.text, rows[i].says) == NULL)
            fail_msg("says '%s'", err.text);
        assert_null(c);
    }
}

static void test_template_get__prints_the_request_as_upstream(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, "{{ .String }}|{{ .Request }}|{{ .Request.Kind }}");
    assert_int_equal(get(&f, "ns", "x"), ERR_NOT_FOUND);
    assert_says(&f, "'demo.example/v1/Widget/ns|demo.example/v1/Widget/ns|Widget'");
    fixture_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_template_get__reads_the_default_path),
        cmocka_unit_test(test_template_get__names_what_is_not_there),
        cmocka_unit_test(test_template_get__reads_no_link_and_no_directory),
        cmocka_unit_test(test_template_get__passes_an_error_of_the_sink_on),
        cmocka_unit_test(test_template_get__prints_the_request_as_upstream),
        cmocka_unit_test(test_template_list__goes_level_by_level_in_byte_order),
        cmocka_unit_test(test_template_list__matches_dot_names_but_never_git),
        cmocka_unit_test(test_template_list__names_what_matches_and_is_no_file),
        cmocka_unit_test(test_template_list__passes_over_what_was_deleted_meanwhile),
        cmocka_unit_test(test_template_list__reads_a_pattern_without_marks),
        cmocka_unit_test(test_template_list__refuses_a_bad_pattern),
        cmocka_unit_test(test_template_list_all__opens_the_namespace_segment),
        cmocka_unit_test(test_template_list_all__works_only_on_one_whole_segment),
        cmocka_unit_test(test_template_put__writes_indented_with_its_own_tokens),
        cmocka_unit_test(test_template_put__of_the_stored_bytes_changes_nothing),
        cmocka_unit_test(test_template_put__never_writes_through_or_over_what_is_no_file),
        cmocka_unit_test(test_template_remove__takes_the_file_away),
        cmocka_unit_test(test_adv_34__template_paths_stay_inside_and_off_git),
        cmocka_unit_test(test_template_new__refuses_bad_templates_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
