/* cup image save: images of the store as one file. */
#include "base/fs.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/transport.h"
#include "oci/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct save_options {
    struct cli_transport transport;
    const char *file;
};

#define OPTION(member) offsetof(struct save_options, member)
static const struct cli_option options[] = {
    {"file", 'f', CLI_OPTION_TEXT, "FILE", "where to; '-' is the standard output", OPTION(file)},
    {0},
};

/* Between open and flock the one before us may have given the file its name. */
static bool still_means(const char *path, int fd)
{
    struct stat here, there;
    return fstat(fd, &here) == 0 && lstat(path, &there) == 0 && here.st_ino == there.st_ino &&
        here.st_dev == there.st_dev;
}

/* Under a name of its own first: a file that is there is old or whole. */
static enum err_kind save_file(
    struct oci_session *s,
    const struct oci_ref *refs,
    size_t count,
    const char *path,
    struct err *err)
{
    autofree char *temp = mem_printf("%s.part", path);
    autoclose int fd = open(temp, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return err_errno(err, errno, "making '%s'", temp);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 || !still_means(temp, fd))
        return err_set(err, ERR_CONFLICT, "another one is writing '%s'", temp);
    if (ftruncate(fd, 0) != 0)
        return err_errno(err, errno, "emptying '%s'", temp);
    enum err_kind r = oci_save(s, refs, count, fd, err);
    if (r == ERR_OK && fsync(fd) != 0)
        r = err_errno(err, errno, "syncing '%s'", temp);
    if (r == ERR_OK && rename(temp, path) != 0)
        r = err_errno(err, errno, "naming '%s'", path);
    if (r != ERR_OK)
        unlink(temp);
    return r;
}

static enum err_kind save_stdout(
    struct cli *c, struct oci_session *s, const struct oci_ref *refs, size_t count, struct err *err)
{
    if (c->io.is_out_tty)
        return err_set(err, ERR_USAGE, "an archive is not written to a terminal: name a file");
    fflush(c->io.out);
    return oci_save(s, refs, count, fileno(c->io.out), err);
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct save_options *o = data;
    auto_images struct cli_images images = {0};
    enum err_kind r = cli_check_args(c, 1, SIZE_MAX, "a reference", err);
    if (r == ERR_OK && o->file == NULL)
        r = err_set(err, ERR_USAGE, "'--file FILE' says where to save ('-': standard output)");
    autofree struct oci_ref *refs = mem_alloc((c->args.count + 1) * sizeof(*refs));
    for (size_t i = 0; r == ERR_OK && i < c->args.count; i++)
        r = oci_ref_parse(str_from(c->args.items[i]), &refs[i], err);
    if (r == ERR_OK)
        r = cli_images_open(c, &o->transport, &images, err);
    if (r != ERR_OK)
        return r;
    if (strcmp(o->file, "-") == 0)
        r = save_stdout(c, images.session, refs, c->args.count, err);
    else
        r = save_file(images.session, refs, c->args.count, o->file, err);
    cli_hint_store(c, &refs[0], r);
    return r == ERR_OK ? r : err_wrap(err, "saving to '%s'", o->file);
}

const struct cli_command cmd_image_save = {
    .name = "save",
    .summary = "Write images of the local store into one file",
    .usage = "REF… -f FILE",
    .details =
        "The file is a tar archive that is an OCI image layout, as 'skopeo copy oci-archive:FILE' "
        "reads it, with\n"
        "the images' signatures and other referrers. 'cup image load' reads it.\n",
    .options = options,
    .shared_options = cli_store_options,
    .options_bytes = sizeof(struct save_options),
    .run = run,
};
