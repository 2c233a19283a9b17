/* cup pull: an image comes into the local store, and into a directory where one is asked for. */
#include "base/fs.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/transport.h"
#include "oci/definition.h"
#include "oci/settle.h"
#include "oci/tests_layer.h"
#include "json/json.h"

#define DIR_MODE 0755
#define FILE_MODE 0644

struct pull_options {
    struct cli_transport transport;
    const char *dir;
    const char *policy;
};

#define OPTION(member) offsetof(struct pull_options, member)
static const struct cli_option options[] = {
    {"dir", 'd', CLI_OPTION_TEXT, "DIR",
     "also unpack the module, the definitions and the golden cases there", OPTION(dir)},
    {"policy", 0, CLI_OPTION_TEXT, "FILE",
     "whose signature it must have (default: cup/trust.json below XDG_CONFIG_HOME)",
     OPTION(policy)},
    {0},
};

/* The file's name is made of the definition's checked names: an image cannot choose a path. */
static enum err_kind
write_definition(const char *dir, const struct oci_definition *definition, struct err *err)
{
    auto_oci_definition_info struct oci_definition_info info = {0};
    struct str bytes = str_of(definition->bytes, definition->n);
    enum err_kind r = oci_definition_read(bytes, &info, err);
    if (r != ERR_OK)
        return r;
    autofree char *name = mem_printf("%s.%s.json", info.plural, info.group);
    autofree char *path = fs_join(dir, name);
    return fs_write_atomic(path, bytes, FILE_MODE, err);
}

static bool write_module(void *data, const char *p, size_t n, struct err *err)
{
    return fs_writer_add(data, p, n, err) == ERR_OK;
}

/* The file gets its name when all of the module has come and is what the image says. */
static enum err_kind unpack_module(
    struct oci_session *session, const struct oci_image *image, const char *dir, struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    auto_fs_writer struct fs_writer file = FS_WRITER_NONE;
    autofree char *path = fs_join(dir, "controller.wasm");
    enum err_kind r = fs_writer_begin(path, FILE_MODE, &file, err);
    if (r == ERR_OK)
        r = oci_unpack_wasm(session, image, write_module, &file, digest, err);
    return r == ERR_OK ? fs_writer_commit(&file, err) : r;
}

/* `data` is the directory. The archive's paths were checked: none leads out of it. */
static enum err_kind write_test(void *data, struct str name, struct str bytes, struct err *err)
{
    autofree char *below = mem_strdup_str(name);
    autofree char *path = fs_join(data, below);
    autofree char *folder = mem_strdup_str(str_take(name, (size_t)(str_rfind(name, '/') + 1)));
    autofree char *dir = fs_join(data, folder);
    enum err_kind r = fs_make_dirs(dir, DIR_MODE, err);
    return r == ERR_OK ? fs_write_atomic(path, bytes, FILE_MODE, err) : r;
}

/* As 'cup controller test DIR' looks for them. */
static enum err_kind unpack_tests(
    struct oci_session *session, const struct oci_image *image, const char *dir, struct err *err)
{
    autofree char *tests = fs_join(dir, "tests");
    enum err_kind r = oci_read_tests(session, image, write_test, tests, err);
    return r == ERR_NOT_FOUND ? ERR_OK : r;
}

static enum err_kind
unpack(struct oci_session *session, const struct oci_image *image, const char *dir, struct err *err)
{
    enum err_kind r = fs_make_dirs(dir, DIR_MODE, err);
    if (r == ERR_OK)
        r = unpack_module(session, image, dir, err);
    for (size_t i = 0; r == ERR_OK && i < image->definition_count; i++)
        r = write_definition(dir, &image->definitions[i], err);
    if (r == ERR_OK && image->tests_digest[0] != '\0')
        r = unpack_tests(session, image, dir, err);
    return r;
}

static enum err_kind print_pulled(
    struct cli *c, const struct oci_ref *ref, const struct oci_image *image, struct err *err)
{
    autofree char *pinned = cli_ref_pinned(ref, image->digest);
    if (!cli_output_is_document(c)) {
        cli_print_line(c, str_from(pinned));
        return ERR_OK;
    }
    autobuf struct buf text = {0};
    buf_text(&text, "{\"reference\":");
    json_text_string(&text, str_from(pinned));
    buf_printf(
        &text, ",\"digest\":\"%s\",\"manifestDigest\":\"%s\"}", image->digest,
        image->manifest_digest);
    return cli_print_document(c, buf_view(&text), err);
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct pull_options *o = data;
    auto_images struct cli_images images = {0};
    struct oci_image image = {0};
    struct oci_ref ref;
    enum err_kind r = cli_check_args(c, 1, 1, "a reference", err);
    if (r == ERR_OK)
        r = oci_ref_parse_source(str_from(c->args.items[0]), &ref, err);
    if (r == ERR_OK && ref.kind == OCI_REF_STORE)
        r = err_set(
            err, ERR_USAGE, "'%s' names no registry to pull from: write HOST/REPOSITORY[:TAG]",
            c->args.items[0]);
    if (r == ERR_OK)
        r = cli_images_open_trusted(c, &o->transport, o->policy, &images, err);
    if (r != ERR_OK)
        return r;
    r = oci_ref_settle(images.session, &ref, OCI_AT_SOURCE, err);
    if (r == ERR_OK)
        r = oci_pull(images.session, &ref, &image, err);
    if (r != ERR_OK)
        cli_hint_registry(c, &o->transport, &ref, r);
    if (r == ERR_OK && o->dir != NULL)
        r = unpack(images.session, &image, o->dir, err);
    if (r == ERR_OK)
        r = print_pulled(c, &ref, &image, err);
    oci_image_deinit(&image);
    return r;
}

const struct cli_command cmd_pull = {
    .name = "pull",
    .group = "Controller images",
    .summary = "Bring an image into the local store",
    .usage = "REF [-d DIR]",
    .details =
        "REF is HOST/REPOSITORY[:TAG][@DIGEST] or oci-layout:DIR[:TAG|@DIGEST]. In the tag's "
        "place a\n"
        "version range picks the highest tag that fits: ~1.2, ^1.2.3, 1.x, '>=1.2 <2'. "
        "Digests, sizes,\n"
        "the module and the definitions are checked before the image is named in the store.\n"
        "Prints REF@DIGEST, with the tag that was picked.\n",
    .options = options,
    .shared_options = cli_transport_options,
    .options_bytes = sizeof(struct pull_options),
    .run = run,
};
