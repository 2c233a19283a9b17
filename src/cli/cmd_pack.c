/* cup pack: a module and its definitions become one image in the local store or a layout. */
#include "base/mem.h"
#include "cli/changes.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/sources.h"
#include "cli/transport.h"
#include "vfs/localtree.h"

struct pack_options {
    struct cli_transport transport;
    const char *wasm;
    struct cli_list definitions;
    const char *name;
    struct cli_list read_globs;
    struct cli_list write_globs;
    struct cli_list annotations;
    const char *verbs;
    const char *tests;
    bool with_compat_wasm;
    struct cli_list tags;
};

#define OPTION(member) offsetof(struct pack_options, member)
static const struct cli_option options[] = {
    {"tag", 't', CLI_OPTION_LIST, "REF", "what to call the image; several for several names",
     OPTION(tags)},
    {"wasm", 0, CLI_OPTION_TEXT, "FILE", "the controller's module", OPTION(wasm)},
    {"definition", 0, CLI_OPTION_LIST, "FILE", "a ResourceDefinition as JSON; give all of them",
     OPTION(definitions)},
    {"name", 0, CLI_OPTION_TEXT, "NAME", "the controller's name; default: the module's file name",
     OPTION(name)},
    {"read", 0, CLI_OPTION_LIST, "GLOB", "paths that it may read; default: **", OPTION(read_globs)},
    {"write", 0, CLI_OPTION_LIST, "GLOB", "paths that it may write; default: **",
     OPTION(write_globs)},
    {"annotation", 0, CLI_OPTION_LIST, "K=V", "an annotation of the manifest", OPTION(annotations)},
    {"verbs", 0, CLI_OPTION_TEXT, "LIST",
     "verbs that it has; default: get,list,put,delete (also known: namespaces)", OPTION(verbs)},
    {"tests", 0, CLI_OPTION_TEXT, "DIR", "golden cases that travel in the image", OPTION(tests)},
    {"compat-wasm", 0, CLI_OPTION_FLAG, NULL,
     "also as other WASM tools read it (CNCF layout), both under one index",
     OPTION(with_compat_wasm)},
    {0},
};

/* https://reproducible-builds.org/specs/source-date-epoch/: seconds; anything else is an error. */
static enum err_kind source_date(const struct cli_env *env, int64_t *ret, struct err *err)
{
    uint64_t seconds;
    *ret = -1;
    if (env->source_date_epoch == NULL)
        return ERR_OK;
    if (!str_to_u64(str_from(env->source_date_epoch), &seconds) || seconds > INT64_MAX)
        return err_set(
            err, ERR_USAGE, "SOURCE_DATE_EPOCH is '%s', but has to be a number of seconds",
            env->source_date_epoch);
    *ret = (int64_t)seconds;
    return ERR_OK;
}

static enum err_kind
gather(struct cli *c, const struct pack_options *o, struct cli_sources *s, struct err *err)
{
    bool has_files = o->wasm != NULL || o->definitions.count > 0;
    if (c->args.count == 1 && has_files)
        return err_set(err, ERR_USAGE, "either a directory or --wasm and --definition, not both");
    if (c->args.count == 1)
        return cli_sources_read(c->args.items[0], s, err);
    if (o->wasm == NULL)
        return err_set(err, ERR_USAGE, "'cup pack' needs --wasm FILE or a directory");
    s->wasm = mem_strdup(o->wasm);
    for (size_t i = 0; i < o->definitions.count; i++)
        cli_sources_add(s, mem_strdup(o->definitions.items[i]));
    return ERR_OK;
}

/* Files of DIR, for the layer of golden cases. */
struct tests {
    struct oci_test_file *items;
    size_t count;
};

static void tests_deinit(struct tests *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->items[i].path);
        free(t->items[i].bytes);
    }
    free(t->items);
}
#define auto_tests CLEANUP(tests_deinit)

static enum err_kind
take_test(struct vfs *tree, const char *path, struct oci_test_file *ret, struct err *err)
{
    auto_vfs_data struct vfs_data data = {0};
    struct vfs_stat st;
    enum err_kind r = vfs_stat(tree, str_from(path), 0, &st, err);
    if (r == ERR_OK && st.type != VFS_FILE)
        r = err_set(err, ERR_INVALID, "'%s' is not a regular file", path);
    if (r == ERR_OK)
        r = vfs_read(tree, str_from(path), &data, err);
    if (r == ERR_OK)
        *ret = (struct oci_test_file){
            mem_strdup(path), mem_dup(data.bytes.p, data.bytes.n), data.bytes.n};
    return r;
}

static enum err_kind read_tests(const char *dir, struct tests *ret, struct err *err)
{
    auto_vfs struct vfs *tree = NULL;
    auto_paths struct cli_paths paths = {0};
    if (dir == NULL)
        return ERR_OK;
    enum err_kind r = vfs_localtree_new(dir, &tree, err);
    if (r == ERR_OK)
        r = cli_tree_paths(tree, STR(""), &paths, err);
    if (r == ERR_OK && paths.count == 0)
        r = err_set(err, ERR_NOT_FOUND, "there is no file in it");
    ret->items = mem_alloc((paths.count + 1) * sizeof(*ret->items));
    for (size_t i = 0; r == ERR_OK && i < paths.count; i++) {
        r = take_test(tree, paths.items[i], &ret->items[ret->count], err);
        ret->count += r == ERR_OK;
    }
    return r == ERR_OK ? r : err_wrap(err, "'--tests %s'", dir);
}

/* The image under one more name: in the same place, or in another one. */
static enum err_kind name_too(
    struct oci_session *session,
    const struct oci_ref *src,
    const struct oci_ref *dst,
    struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    struct oci_copy copy = {
        .from = session,
        .src = src,
        .src_in_store = src->kind != OCI_REF_LAYOUT,
        .to = session,
        .dst = dst,
        .dst_in_store = dst->kind != OCI_REF_LAYOUT};
    return oci_copy(&copy, digest, err);
}

static enum err_kind pack(
    struct cli *c,
    const struct pack_options *o,
    const struct cli_sources *s,
    const struct oci_ref *refs,
    struct err *err)
{
    auto_images struct cli_images images = {0};
    auto_tests struct tests tests = {0};
    enum err_kind r = read_tests(o->tests, &tests, err);
    if (r != ERR_OK)
        return r;
    struct oci_pack_input input = {
        .wasm_path = s->wasm,
        .definition_paths = (const char *const *)s->definitions,
        .definition_count = s->count,
        .name = o->name,
        .read_globs = o->read_globs.items,
        .write_globs = o->write_globs.items,
        .annotations = o->annotations.items,
        .verbs = o->verbs,
        .with_compat_wasm = o->with_compat_wasm,
        .tests = tests.items,
        .test_count = tests.count,
    };
    char digest[OCI_DIGEST_MAX];
    r = source_date(c->env, &input.source_date_unix_s, err);
    if (r == ERR_OK)
        r = cli_images_open(c, &o->transport, &images, err);
    if (r == ERR_OK)
        r = oci_pack(images.session, &input, &refs[0], digest, err);
    for (size_t i = 1; r == ERR_OK && i < o->tags.count; i++)
        r = name_too(images.session, &refs[0], &refs[i], err);
    return r == ERR_OK ? cli_print_pinned(c, refs, o->tags.count, digest, err) : r;
}

/* All of them are good names, before anything is made. */
static enum err_kind parse_tags(const struct cli_list *tags, struct oci_ref *ret, struct err *err)
{
    for (size_t i = 0; i < tags->count; i++) {
        enum err_kind r = oci_ref_parse(str_from(tags->items[i]), &ret[i], err);
        if (r == ERR_OK && ret[i].digest[0] != '\0')
            r = err_set(err, ERR_INVALID, "an image is packed under a tag, not under a digest");
        if (r != ERR_OK)
            return r;
    }
    return ERR_OK;
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct pack_options *o = data;
    auto_sources struct cli_sources s = {0};
    autofree struct oci_ref *refs = mem_alloc((o->tags.count + 1) * sizeof(*refs));
    enum err_kind r = cli_check_args(c, 0, 1, "", err);
    if (r == ERR_OK && o->tags.count == 0)
        r = err_set(
            err, ERR_USAGE, "'cup %s' needs -t REF: what to call the image", c->command_name);
    if (r == ERR_OK)
        r = parse_tags(&o->tags, refs, err);
    if (r == ERR_OK)
        r = gather(c, o, &s, err);
    return r == ERR_OK ? pack(c, o, &s, refs, err) : r;
}

const struct cli_command cmd_pack = {
    .name = "pack",
    .group = "Controller images",
    .summary = "Make an image of a module and its definitions",
    .usage = "(DIR | --wasm FILE --definition FILE…) -t REF…",
    .details = "DIR holds one .wasm file and the definitions as *.json. The image goes into the "
               "local store,\n"
               "or into DIR of a REF of the form oci-layout:DIR[:TAG]. The same input gives the "
               "same digest.\n"
               "Prints REF@DIGEST for each -t.\n",
    .options = options,
    .shared_options = cli_store_options,
    .options_bytes = sizeof(struct pack_options),
    .run = run,
};
