/* cup inspect: what an image says of itself; its code is not fetched. */
#include "base/mem.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/run.h"
#include "cli/schema_summary.h"
#include "cli/transport.h"
#include "oci/settle.h"
#include "oci/sign.h"
#include "json/json.h"

#define DEFAULT_VERBS "get,list,put,delete"

struct inspect_options {
    struct cli_transport transport;
    bool is_local;
};

#define OPTION(member) offsetof(struct inspect_options, member)
static const struct cli_option options[] = {
    {"local", 0, CLI_OPTION_FLAG, NULL, "the local store's copy, not the registry's",
     OPTION(is_local)},
    {0},
};

/* What was found of signatures; whose they are, verify says. */
struct signatures {
    struct buf json; /* objects with commas */
    struct buf text; /* lines of "digest  form" */
    bool is_known;   /* false: they could not be listed */
};

static void signatures_deinit(struct signatures *s)
{
    buf_deinit(&s->json);
    buf_deinit(&s->text);
}

static bool add_signature(void *data, const struct oci_signature *found)
{
    struct signatures *s = data;
    const char *form = found->form == OCI_SIGNATURE_BUNDLE ? "bundle" : "simple";
    buf_printf(
        &s->json, "%s{\"form\":\"%s\",\"digest\":\"%s\"}", s->json.n > 0 ? "," : "", form,
        found->digest);
    buf_printf(&s->text, "%s  %s\n", found->digest, form);
    return true;
}

/* An image can be looked at where its signatures cannot. */
static void find_signatures(
    struct cli *c,
    struct oci_session *session,
    const struct oci_ref *ref,
    enum oci_where where,
    struct signatures *ret)
{
    struct err err = {0};
    ret->is_known = oci_signatures_of(session, ref, where, add_signature, ret, &err) == ERR_OK;
    if (!ret->is_known)
        cli_note(c, "its signatures cannot be listed: %s", err.text);
}

/* --- as a document -------------------------------------------------------------------------------- */

static void member(struct buf *to, const char *lead, const char *value)
{
    buf_text(to, lead);
    if (value == NULL || value[0] == '\0')
        buf_text(to, "null");
    else
        json_text_string(to, str_from(value));
}

static void write_globs(struct buf *to, const char *lead, char *const *globs)
{
    buf_text(to, lead);
    for (size_t i = 0; globs[i] != NULL; i++) {
        if (i > 0)
            buf_char(to, ',');
        json_text_string(to, str_from(globs[i]));
    }
    buf_char(to, ']');
}

static void write_verbs(struct buf *to, const char *verbs)
{
    struct str rest = str_from(verbs == NULL ? DEFAULT_VERBS : verbs);
    buf_text(to, ",\"verbs\":[");
    for (const char *comma = ""; rest.p != NULL; comma = ",") {
        buf_text(to, comma);
        json_text_string(to, str_trim(str_cut(&rest, ',')));
    }
    buf_char(to, ']');
}

static void write_content(struct buf *to, const struct oci_image *image)
{
    buf_printf(
        to, ",\"content\":{\"digest\":\"%s\",\"size\":%llu},\"module\":{", image->content_digest,
        (unsigned long long)image->content_bytes);
    member(to, "\"digest\":", image->wasm_digest);
    if (image->wasm_bytes > 0)
        buf_printf(to, ",\"size\":%llu", (unsigned long long)image->wasm_bytes);
    buf_char(to, '}');
}

static void write_tests(struct buf *to, const struct oci_image *image)
{
    if (image->tests_digest[0] == '\0')
        buf_text(to, ",\"tests\":null");
    else
        buf_printf(
            to, ",\"tests\":{\"digest\":\"%s\",\"size\":%llu}", image->tests_digest,
            (unsigned long long)image->tests_bytes);
}

static void write_definition(struct buf *to, const struct oci_definition *definition)
{
    auto_json struct json_doc doc = {0};
    struct str text = str_of(definition->bytes, definition->n);
    if (json_parse(text, JSON_STORED, &doc, NULL) != ERR_OK)
        return; /* reading the image has parsed it */
    yyjson_val *spec = json_get(doc.root, "spec");
    member(to, "{\"title\":", definition->title);
    buf_printf(to, ",\"digest\":\"%s\",\"size\":%zu", definition->digest, definition->n);
    buf_text(to, ",\"group\":");
    json_text_string(to, json_str(json_get(spec, "group")));
    buf_text(to, ",\"kind\":");
    json_text_string(to, json_str(json_get(json_get(doc.root, "names"), "kind")));
    buf_text(to, ",\"plural\":");
    json_text_string(to, json_str(json_get(json_get(doc.root, "names"), "plural")));
    struct str versions =
        json_text_member(json_text_member(doc.text, STR("spec"), false), STR("versions"), false);
    buf_text(to, ",\"schemas\":");
    buf_str(to, versions.n > 0 ? versions : STR("{}"));
    buf_char(to, '}');
}

static void write_document(
    struct buf *to,
    const char *pinned,
    const struct oci_image *image,
    const struct signatures *signatures)
{
    member(to, "{\"reference\":", pinned);
    buf_printf(
        to, ",\"digest\":\"%s\",\"manifestDigest\":\"%s\",\"manifestSize\":%zu", image->digest,
        image->manifest_digest, image->manifest_bytes);
    member(to, ",\"layout\":", oci_format_name(image->format));
    member(to, ",\"name\":", image->name);
    member(to, ",\"abi\":", image->abi);
    write_verbs(to, image->verbs);
    write_globs(to, ",\"paths\":{\"read\":[", image->read_globs);
    write_globs(to, ",\"write\":[", image->write_globs);
    buf_char(to, '}');
    write_content(to, image);
    write_tests(to, image);
    buf_text(to, ",\"definitions\":[");
    for (size_t i = 0; i < image->definition_count; i++) {
        if (i > 0)
            buf_char(to, ',');
        write_definition(to, &image->definitions[i]);
    }
    struct str manifest = str_of(image->manifest, image->manifest_bytes);
    struct str annotations = json_text_member(manifest, STR("annotations"), false);
    buf_text(to, "],\"signatures\":");
    if (signatures->is_known)
        buf_printf(to, "[" STR_FMT "]", STR_ARG(buf_view(&signatures->json)));
    else
        buf_text(to, "null");
    buf_text(to, ",\"annotations\":");
    buf_str(to, annotations.n > 0 ? annotations : STR("{}"));
    buf_char(to, '}');
}

/* --- for people ----------------------------------------------------------------------------------- */

static void print_blob(struct cli *c, const char *name, const char *digest, uint64_t bytes)
{
    char size[16];
    units_format_size(bytes, size, sizeof(size));
    if (digest[0] != '\0')
        fprintf(c->io.out, "%-12s %s  %s\n", name, digest, size);
}

static void print_globs(struct cli *c, const char *name, char *const *globs)
{
    autobuf struct buf text = {0};
    for (size_t i = 0; globs[i] != NULL; i++)
        buf_printf(&text, "%s%s", i > 0 ? ", " : "", globs[i]);
    cli_print_pair(c, name, buf_view(&text));
}

static void print_schema(struct cli *c, struct str version, struct str schema)
{
    autobuf struct buf text = {0};
    autobuf struct buf safe = {0};
    buf_text(&safe, "  schema of ");
    cli_print_safe(&safe, version);
    buf_text(&safe, ": ");
    json_text_write(&text, schema, 2, 1);
    cli_print_safe_json(&safe, buf_view(&text));
    fprintf(c->io.out, "%s\n", safe.p);
}

static void print_summary(struct cli *c, struct str version, yyjson_val *schema)
{
    autobuf struct buf text = {0};
    buf_printf(&text, STR_FMT ": ", STR_ARG(version));
    cli_schema_summary(&text, schema);
    cli_print_pair(c, "Schema", buf_view(&text));
}

/* A line for each version, or, with -o wide, all of it. */
static void print_versions(struct cli *c, const struct json_doc *doc)
{
    struct str versions =
        json_text_member(json_text_member(doc->text, STR("spec"), false), STR("versions"), false);
    size_t i, n;
    yyjson_val *key, *schema;
    yyjson_obj_foreach(json_get(json_get(doc->root, "spec"), "versions"), i, n, key, schema)
    {
        struct str version = json_str(key);
        if (c->output == CLI_OUTPUT_WIDE)
            print_schema(c, version, json_text_member(versions, version, false));
        else
            print_summary(c, version, schema);
    }
}

static void print_definition(struct cli *c, const struct oci_definition *definition)
{
    auto_json struct json_doc doc = {0};
    struct str text = str_of(definition->bytes, definition->n);
    if (json_parse(text, JSON_STORED, &doc, NULL) != ERR_OK)
        return; /* reading the image has parsed it */
    struct str plural = json_str(json_get(json_get(doc.root, "names"), "plural"));
    struct str kind = json_str(json_get(json_get(doc.root, "names"), "kind"));
    struct str group = json_str(json_get(json_get(doc.root, "spec"), "group"));
    autofree char *name = mem_printf("%.*s.%.*s", STR_ARG(plural), STR_ARG(group));
    fputc('\n', c->io.out);
    cli_print_pair(c, "Definition", str_from(name));
    cli_print_pair(c, "Kind", kind);
    print_blob(c, "Layer", definition->digest, definition->n);
    print_versions(c, &doc);
}

static void print_signatures(struct cli *c, const struct signatures *signatures)
{
    struct str rest = buf_view(&signatures->text);
    while (rest.n > 0)
        cli_print_pair(c, "Signature", str_cut(&rest, '\n'));
}

static void print_image(
    struct cli *c,
    const char *pinned,
    const struct oci_image *image,
    const struct signatures *signatures)
{
    cli_print_pair(c, "Reference", str_from(pinned));
    print_blob(c, "Manifest", image->manifest_digest, image->manifest_bytes);
    cli_print_pair(c, "Layout", str_from(oci_format_words(image->format)));
    cli_print_pair(c, "Controller", str_from(image->name));
    cli_print_pair(c, "ABI", str_from(image->abi));
    cli_print_pair(c, "Verbs", str_from(image->verbs == NULL ? DEFAULT_VERBS : image->verbs));
    print_globs(c, "Reads", image->read_globs);
    print_globs(c, "Writes", image->write_globs);
    print_blob(c, "Content", image->content_digest, image->content_bytes);
    print_blob(c, "Module", image->wasm_digest, image->wasm_bytes);
    print_blob(c, "Tests", image->tests_digest, image->tests_bytes);
    print_signatures(c, signatures);
    for (size_t i = 0; i < image->definition_count; i++)
        print_definition(c, &image->definitions[i]);
}

/* --- the command ---------------------------------------------------------------------------------- */

static enum err_kind print(
    struct cli *c,
    const struct oci_ref *ref,
    const struct oci_image *image,
    const struct signatures *signatures,
    struct err *err)
{
    autofree char *pinned = cli_ref_pinned(ref, image->digest);
    if (c->output == CLI_OUTPUT_NAME) {
        cli_print_line(c, str_from(pinned));
        return ERR_OK;
    }
    if (!cli_output_is_document(c)) {
        print_image(c, pinned, image, signatures);
        return ERR_OK;
    }
    autobuf struct buf text = {0};
    write_document(&text, pinned, image, signatures);
    enum err_kind r = buf_check(&text, "the description of the image", err);
    return r == ERR_OK ? cli_print_foreign(c, buf_view(&text), err) : r;
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    const struct inspect_options *o = data;
    auto_images struct cli_images images = {0};
    struct oci_image image = {0};
    struct oci_ref ref;
    enum err_kind r = cli_check_args(c, 1, 1, "a reference", err);
    if (r == ERR_OK)
        r = oci_ref_parse_source(str_from(c->args.items[0]), &ref, err);
    if (r == ERR_OK)
        r = cli_images_open(c, &o->transport, &images, err);
    if (r != ERR_OK)
        return r;
    enum oci_where where = o->is_local ? OCI_IN_STORE : OCI_AT_SOURCE;
    r = oci_ref_settle(images.session, &ref, where, err);
    if (r == ERR_OK)
        r = oci_inspect(images.session, &ref, where, &image, err);
    if (r != ERR_OK && !o->is_local)
        cli_hint_registry(c, &o->transport, &ref, r);
    if (r == ERR_OK) {
        CLEANUP(signatures_deinit) struct signatures signatures = {0};
        if (c->output != CLI_OUTPUT_NAME)
            find_signatures(c, images.session, &ref, where, &signatures);
        r = print(c, &ref, &image, &signatures, err);
    }
    oci_image_deinit(&image);
    return r;
}

const struct cli_command cmd_inspect = {
    .name = "inspect",
    .group = "Controller images",
    .summary = "Show the kinds, schemas, digests, sizes and signatures of an image",
    .usage = "REF",
    .details =
        "With a host, REF means the registry's image; --local the store's copy of it. Only "
        "the manifest\n"
        "and the definitions are fetched, not the code; -o wide and -o json show the schemas "
        "in full. A version range in the tag's place "
        "(~1.2) picks\n"
        "the highest tag that fits.\n",
    .options = options,
    .shared_options = cli_transport_options,
    .options_bytes = sizeof(struct inspect_options),
    .run = run,
};
