/* cup image keygen: a key pair that signs images, in cosign's files. */
#include "base/fs.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/signing.h"
#include "json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct keygen_options {
    const char *prefix;
};

#define OPTION(member) offsetof(struct keygen_options, member)
static const struct cli_option options[] = {
    {"output-key-prefix", 0, CLI_OPTION_TEXT, "PREFIX",
     "names of the files: PREFIX.key and PREFIX.pub (default cosign)", OPTION(prefix)},
    {0},
};

/* A key is never overwritten: what it signed could not be signed again. */
static enum err_kind create_file(const char *path, struct str bytes, mode_t mode, struct err *err)
{
    autoclose int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 && errno == EEXIST)
        return err_set(
            err, ERR_EXISTS, "'%s' is there already, and a key is not overwritten", path);
    if (fd < 0)
        return err_errno(err, errno, "making '%s'", path);
    enum err_kind r = fs_write_all(fd, bytes.p, bytes.n, err);
    if (r == ERR_OK && fsync(fd) != 0)
        r = err_errno(err, errno, "syncing '%s'", path);
    if (r != ERR_OK)
        unlink(path);
    return r == ERR_OK ? r : err_wrap(err, "'%s'", path);
}

static enum err_kind check_free(const char *path, struct err *err)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return ERR_OK;
    return err_set(err, ERR_EXISTS, "'%s' is there already, and a key is not overwritten", path);
}

static enum err_kind write_pair(
    struct cli *c,
    const struct oci_key *key,
    const char *private_path,
    const char *public_path,
    struct err *err)
{
    auto_secret struct buf password = {0};
    autobuf struct buf private = {0}, public = {0};
    enum err_kind r = cli_key_password(c, true, &password, err);
    if (r == ERR_OK)
        r = oci_key_write_private(key, buf_view(&password), &private, err);
    if (r != ERR_OK)
        return r;
    oci_key_write_public(key, &public);
    r = create_file(private_path, buf_view(&private), 0600, err);
    if (r != ERR_OK)
        return r;
    r = create_file(public_path, buf_view(&public), 0644, err);
    if (r != ERR_OK)
        unlink(private_path);
    return r;
}

static enum err_kind print(
    struct cli *c,
    const struct oci_key *key,
    const char *private_path,
    const char *public_path,
    struct err *err)
{
    if (!cli_output_is_document(c)) {
        cli_print_line(c, str_from(private_path));
        cli_print_line(c, str_from(public_path));
        return ERR_OK;
    }
    autobuf struct buf text = {0};
    buf_text(&text, "{\"privateKey\":");
    json_text_string(&text, str_from(private_path));
    buf_text(&text, ",\"publicKey\":");
    json_text_string(&text, str_from(public_path));
    buf_printf(&text, ",\"id\":\"%s\"}", oci_key_id(key));
    return cli_print_document(c, buf_view(&text), err);
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct keygen_options *o = data;
    const char *prefix = o->prefix == NULL ? "cosign" : o->prefix;
    autofree char *private_path = mem_printf("%s.key", prefix);
    autofree char *public_path = mem_printf("%s.pub", prefix);
    autorelease(oci_key_free) struct oci_key *key = NULL;
    enum err_kind r = cli_check_args(c, 0, 0, "no argument", err);
    if (r == ERR_OK)
        r = check_free(private_path, err);
    if (r == ERR_OK)
        r = check_free(public_path, err);
    if (r == ERR_OK)
        r = oci_key_generate(&key, err);
    if (r == ERR_OK)
        r = write_pair(c, key, private_path, public_path, err);
    return r == ERR_OK ? print(c, key, private_path, public_path, err) : r;
}

const struct cli_command cmd_image_keygen = {
    .name = "keygen",
    .summary = "Make a key pair that signs images",
    .details =
        "An EC key on P-256 in cosign's own files: the private half is encrypted under a "
        "password, which\n"
        "is taken from COSIGN_PASSWORD or asked. Give the public half to those who verify.\n",
    .options = options,
    .options_bytes = sizeof(struct keygen_options),
    .run = run,
};
