/* cup image attach: files that point at an image, as an SBOM or a report. */
#include "base/fs.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/transport.h"
#include "oci/attach.h"
#include "json/json.h"

struct attach_options {
    struct cli_transport transport;
    const char *artifact_type;
    struct cli_list files;
    struct cli_list annotations;
    bool is_remote;
};

#define OPTION(member) offsetof(struct attach_options, member)
static const struct cli_option options[] = {
    {"artifact-type", 0, CLI_OPTION_TEXT, "TYPE", "what it is, as application/spdx+json",
     OPTION(artifact_type)},
    {"file", 'f', CLI_OPTION_LIST, "FILE[:MEDIATYPE]",
     "a file to attach; several make one artifact", OPTION(files)},
    {"annotation", 'a', CLI_OPTION_LIST, "K=V", "annotation of the artifact", OPTION(annotations)},
    {"remote", 0, CLI_OPTION_FLAG, NULL, "to the registry's image, not to the local store's copy",
     OPTION(is_remote)},
    {0},
};

/* FILE[:MEDIATYPE]; a file whose name is all of it is meant first. Cuts `text` in two. */
static struct oci_attach_file split(char *text)
{
    char *colon = strrchr(text, ':');
    if (colon == NULL || fs_exists(text) || strchr(colon, '/') == NULL)
        return (struct oci_attach_file){.path = text};
    *colon = '\0';
    return (struct oci_attach_file){.path = text, .media_type = colon + 1};
}

static enum err_kind
print(struct cli *c, const struct oci_ref *ref, const struct oci_attached *out, struct err *err)
{
    struct oci_ref untagged = *ref;
    untagged.tag[0] = '\0';
    memcpy(untagged.digest, out->digest, sizeof(untagged.digest));
    autofree char *name = oci_ref_format(&untagged);
    autofree char *pinned = cli_ref_pinned(ref, out->subject);
    if (!cli_output_is_document(c)) {
        cli_print_line(c, str_from(name));
        return ERR_OK;
    }
    autobuf struct buf text = {0};
    buf_text(&text, "{\"reference\":");
    json_text_string(&text, str_from(pinned));
    buf_printf(&text, ",\"subject\":\"%s\",\"digest\":\"%s\"}", out->subject, out->digest);
    return cli_print_document(c, buf_view(&text), err);
}

static enum err_kind
attach(struct cli *c, const struct attach_options *o, const struct oci_ref *ref, struct err *err)
{
    size_t n = o->files.count;
    autofree struct oci_attach_file *files = mem_alloc((n + 1) * sizeof(*files));
    autofree char **texts = mem_alloc((n + 1) * sizeof(*texts));
    struct oci_attach in = {
        .artifact_type = o->artifact_type,
        .files = files,
        .count = n,
        .annotations = o->annotations.items};
    struct oci_attached out;
    auto_images struct cli_images images = {0};
    for (size_t i = 0; i < n; i++) {
        texts[i] = mem_strdup(o->files.items[i]);
        files[i] = split(texts[i]);
    }
    enum err_kind r = cli_images_open(c, &o->transport, &images, err);
    if (r == ERR_OK)
        r = oci_attach(
            images.session, ref, o->is_remote ? OCI_AT_SOURCE : OCI_IN_STORE, &in, &out, err);
    if (r != ERR_OK && o->is_remote)
        cli_hint_registry(c, &o->transport, ref, r);
    for (size_t i = 0; i < n; i++)
        free(texts[i]);
    return r == ERR_OK ? print(c, ref, &out, err) : r;
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct attach_options *o = data;
    struct oci_ref ref;
    enum err_kind r = cli_check_args(c, 1, 1, "a reference", err);
    if (r == ERR_OK && o->artifact_type == NULL)
        r = err_set(err, ERR_USAGE, "'--artifact-type TYPE' is missing: what is attached");
    if (r == ERR_OK && o->files.count == 0 && o->annotations.count == 0)
        r = err_set(err, ERR_USAGE, "nothing to attach: give '-f FILE' or '-a K=V'");
    if (r == ERR_OK)
        r = oci_ref_parse(str_from(c->args.items[0]), &ref, err);
    if (r == ERR_OK)
        r = cli_check_remote(&ref, o->is_remote, err);
    return r == ERR_OK ? attach(c, o, &ref, err) : r;
}

const struct cli_command cmd_image_attach = {
    .name = "attach",
    .summary = "Attach files to an image: an SBOM, a report",
    .usage = "--artifact-type TYPE -f FILE[:MEDIATYPE] REF",
    .details =
        "Makes an artifact of its own that points at the image, in the local store (or the "
        "layout that REF names);\n"
        "--remote in the registry. Prints the artifact's reference. Equal files make an equal "
        "artifact, kept once.\n",
    .options = options,
    .shared_options = cli_transport_options,
    .options_bytes = sizeof(struct attach_options),
    .run = run,
};
