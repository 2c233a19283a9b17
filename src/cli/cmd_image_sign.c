/* cup image sign: sign an image in the store, in a layout or in its registry. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/signing.h"
#include "cli/transport.h"
#include "oci/sign.h"
#include "json/json.h"

struct sign_options {
    struct cli_transport transport;
    const char *key;
    const char *format;
    struct cli_list annotations;
    bool is_remote;
};

#define OPTION(member) offsetof(struct sign_options, member)
static const struct cli_option options[] = {
    {"key", 0, CLI_OPTION_TEXT, "FILE", "the private key (PEM): cosign's, PKCS#8 or EC",
     OPTION(key)},
    {"format", 0, CLI_OPTION_TEXT, "FORM",
     "bundle (default: a referrer, as cosign 3) or simple (the .sig tag, as cosign before it)",
     OPTION(format)},
    {"annotation", 'a', CLI_OPTION_LIST, "K=V", "sign this with it", OPTION(annotations)},
    {"remote", 0, CLI_OPTION_FLAG, NULL, "the registry's image, not the local store's copy",
     OPTION(is_remote)},
    {0},
};

static enum err_kind read_format(const char *text, enum oci_signature_form *ret, struct err *err)
{
    *ret = OCI_SIGNATURE_BUNDLE;
    if (text == NULL || strcmp(text, "bundle") == 0)
        return ERR_OK;
    *ret = OCI_SIGNATURE_SIMPLE;
    if (strcmp(text, "simple") == 0)
        return ERR_OK;
    return err_set(err, ERR_USAGE, "'--format %s': it is bundle or simple", text);
}

static int64_t created(const struct cli *c)
{
    uint64_t value;
    const char *text = c->env->source_date_epoch; /* reproducible-builds.org */
    if (text != NULL && str_to_u64(str_from(text), &value) && value < INT64_MAX / 1000)
        return (int64_t)value;
    return clock_unix_ms() / 1000;
}

static enum err_kind
print(struct cli *c, const struct oci_ref *ref, const struct oci_signed *out, struct err *err)
{
    autofree char *pinned = cli_ref_pinned(ref, out->subject);
    if (!cli_output_is_document(c)) {
        if (!out->is_new)
            cli_note(c, "it was signed with this key already: nothing is added");
        cli_print_line(c, str_from(pinned));
        return ERR_OK;
    }
    autobuf struct buf text = {0};
    buf_text(&text, "{\"reference\":");
    json_text_string(&text, str_from(pinned));
    buf_printf(
        &text, ",\"digest\":\"%s\",\"signature\":\"%s\",\"isNew\":%s}", out->subject, out->digest,
        out->is_new ? "true" : "false");
    return cli_print_document(c, buf_view(&text), err);
}

static enum err_kind sign(
    struct cli *c,
    const struct sign_options *o,
    const struct oci_ref *ref,
    const struct oci_sign *in,
    struct err *err)
{
    struct oci_signed out;
    auto_images struct cli_images images = {0};
    enum err_kind r = cli_images_open(c, &o->transport, &images, err);
    if (r != ERR_OK)
        return r;
    enum oci_where where = o->is_remote ? OCI_AT_SOURCE : OCI_IN_STORE;
    r = oci_sign(images.session, ref, where, in, &out, err);
    if (r == ERR_NOT_FOUND && !o->is_remote && ref->kind == OCI_REF_REGISTRY)
        cli_hint(c, "'cup pull' brings it into the store; --remote signs the registry's image");
    else if (r != ERR_OK && o->is_remote)
        cli_hint_registry(c, &o->transport, ref, r);
    return r == ERR_OK ? print(c, ref, &out, err) : r;
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct sign_options *o = data;
    autorelease(oci_key_free) struct oci_key *key = NULL;
    struct oci_ref ref;
    struct oci_sign in = {.annotations = o->annotations.items, .created_unix_s = created(c)};
    enum err_kind r = cli_check_args(c, 1, 1, "a reference", err);
    if (r == ERR_OK && o->key == NULL)
        r = err_set(err, ERR_USAGE, "'--key FILE' is missing: the key to sign with");
    if (r == ERR_OK)
        r = read_format(o->format, &in.form, err);
    if (r == ERR_OK)
        r = oci_ref_parse(str_from(c->args.items[0]), &ref, err);
    if (r == ERR_OK)
        r = cli_check_remote(&ref, o->is_remote, err);
    if (r == ERR_OK)
        r = cli_key_read(c, o->key, &key, err);
    in.key = key;
    return r == ERR_OK ? sign(c, o, &ref, &in, err) : r;
}

const struct cli_command cmd_image_sign = {
    .name = "sign",
    .summary = "Sign an image with a key",
    .usage = "--key FILE REF",
    .details =
        "Signs the local store's copy (or the layout that REF names); 'cup push' and 'cup image "
        "copy "
        "-r' take the\n"
        "signature along. --remote signs in the registry. Nothing else is asked: no transparency "
        "log. Signing\n"
        "again with the same key changes nothing. The password of an encrypted key is taken from\n"
        "COSIGN_PASSWORD or asked.\n",
    .options = options,
    .shared_options = cli_transport_options,
    .options_bytes = sizeof(struct sign_options),
    .run = run,
};
