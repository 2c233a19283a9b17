/* cup image load: images of one file come into the store. */
#include "base/fs.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/transport.h"
#include "oci/bundle.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>

struct load_options {
    struct cli_transport transport;
    const char *file;
};

#define OPTION(member) offsetof(struct load_options, member)
static const struct cli_option options[] = {
    {"file", 'f', CLI_OPTION_TEXT, "FILE", "where from; '-' is the standard input", OPTION(file)},
    {0},
};

struct loaded {
    struct cli *c;
    struct buf references; /* JSON strings with commas */
};

static void print_loaded(void *data, const struct oci_ref *ref, const char *digest)
{
    struct loaded *l = data;
    autofree char *pinned = cli_ref_pinned(ref, digest);
    if (!cli_output_is_document(l->c))
        cli_print_line(l->c, str_from(pinned));
    if (l->references.n > 0)
        buf_char(&l->references, ',');
    json_text_string(&l->references, str_from(pinned));
}

static enum err_kind
load(struct cli *c, const struct load_options *o, const struct oci_ref *as, int fd, struct err *err)
{
    auto_images struct cli_images images = {0};
    struct loaded loaded = {.c = c};
    enum err_kind r = cli_images_open(c, &o->transport, &images, err);
    if (r == ERR_OK)
        r = oci_load(images.session, fd, as, print_loaded, &loaded, err);
    if (r == ERR_OK && cli_output_is_document(c)) {
        autobuf struct buf text = {0};
        buf_printf(&text, "{\"references\":[" STR_FMT "]}", STR_ARG(buf_view(&loaded.references)));
        r = cli_print_document(c, buf_view(&text), err);
    }
    buf_deinit(&loaded.references);
    return r == ERR_OK ? r : err_wrap(err, "loading '%s'", o->file);
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct load_options *o = data;
    struct oci_ref as;
    enum err_kind r = cli_check_args(c, 0, 1, "at most one reference", err);
    if (r == ERR_OK && o->file == NULL)
        r = err_set(err, ERR_USAGE, "'--file FILE' says what to load ('-': standard input)");
    if (r == ERR_OK && c->args.count == 1)
        r = oci_ref_parse(str_from(c->args.items[0]), &as, err);
    if (r == ERR_OK && c->args.count == 1 && (as.kind == OCI_REF_LAYOUT || as.digest[0] != '\0'))
        r = err_set(err, ERR_USAGE, "'%s' is not a name for the local store", c->args.items[0]);
    if (r != ERR_OK)
        return r;
    const struct oci_ref *name = c->args.count == 1 ? &as : NULL;
    if (strcmp(o->file, "-") == 0)
        return load(c, o, name, c->io.in, err);
    autoclose int fd = open(o->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, errno, "opening '%s'", o->file);
    return load(c, o, name, fd, err);
}

const struct cli_command cmd_image_load = {
    .name = "load",
    .summary = "Bring the images of a file into the local store",
    .usage = "-f FILE [REF]",
    .details =
        "FILE is what 'cup image save' wrote, or another tool's OCI archive. Every blob is checked "
        "before an image\n"
        "is named. REF names the only image of a file; without it images keep their names.\n"
        "Prints REF@DIGEST for each.\n",
    .options = options,
    .shared_options = cli_store_options,
    .options_bytes = sizeof(struct load_options),
    .run = run,
};
