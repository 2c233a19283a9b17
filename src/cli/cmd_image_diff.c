/* cup image diff: what changed from one image to another, and whether that breaks anybody. */
#include "base/fs.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/run.h"
#include "cli/sources.h"
#include "cli/transport.h"
#include "oci/compare.h"
#include "oci/settle.h"
#include "json/json.h"

#include <errno.h>
#include <unistd.h>

#define EXIT_DIFFERS 1
#define EXIT_TROUBLE 2 /* above 1 for errors, as diff(1) */

struct diff_options {
    struct cli_transport transport;
    bool is_local;
};

#define OPTION(member) offsetof(struct diff_options, member)
static const struct cli_option options[] = {
    {"local", 0, CLI_OPTION_FLAG, NULL, "the local store's copies, not the registries'",
     OPTION(is_local)},
    {0},
};

/* One of the two, as it was read. */
struct side {
    const char *shown;
    char *pinned;
    struct oci_image image;
    struct oci_wasm_info wasm;
    char wasm_digest[OCI_DIGEST_MAX];
    bool is_directory;
};

static void side_deinit(struct side *s)
{
    free(s->pinned);
    oci_image_deinit(&s->image);
    oci_wasm_info_deinit(&s->wasm);
}

/* --- reading ---------------------------------------------------------------------------------------- */

static enum err_kind read_image(
    const struct diff_options *o,
    struct oci_session *session,
    const struct oci_ref *ref,
    struct side *ret,
    struct err *err)
{
    enum oci_where where = o->is_local ? OCI_IN_STORE : OCI_AT_SOURCE;
    enum err_kind r =
        oci_inspect_module(session, ref, where, &ret->image, &ret->wasm, ret->wasm_digest, err);
    if (r == ERR_OK)
        ret->pinned = cli_ref_pinned(ref, ret->image.digest);
    return r;
}

/* A directory is packed into a layout that is gone afterwards; what it is called there does not matter,
 * the image's own name is the module's, as pack has it. */
static enum err_kind
pack_into(const char *layout, struct side *s, struct oci_session *session, struct err *err)
{
    auto_sources struct cli_sources sources = {0};
    char digest[OCI_DIGEST_MAX];
    struct oci_ref ref;
    autofree char *text = mem_printf("oci-layout:%s:v1", layout);
    enum err_kind r = cli_sources_read(s->shown, &sources, err);
    struct oci_pack_input input = {
        .wasm_path = sources.wasm,
        .definition_paths = (const char *const *)sources.definitions,
        .definition_count = sources.count,
        .source_date_unix_s = -1,
    };
    if (r == ERR_OK)
        r = oci_ref_parse(str_from(text), &ref, err);
    if (r == ERR_OK)
        r = oci_pack(session, &input, &ref, digest, err);
    if (r == ERR_OK)
        r = oci_inspect_module(
            session, &ref, OCI_AT_SOURCE, &s->image, &s->wasm, s->wasm_digest, err);
    if (r == ERR_OK)
        s->pinned = mem_printf("%s@%s", s->shown, digest);
    return r;
}

static enum err_kind
read_directory(struct cli *c, struct side *s, struct oci_session *session, struct err *err)
{
    const char *tmpdir = c->env->tmpdir != NULL ? c->env->tmpdir : "/tmp";
    autofree char *layout = fs_join(tmpdir, "cup-diff-XXXXXX");
    autofree char *marker = fs_join(s->shown, "oci-layout");
    s->is_directory = true;
    if (fs_exists(marker))
        return err_set(
            err, ERR_USAGE, "'%s' is an image layout: write oci-layout:%s", s->shown, s->shown);
    if (mkdtemp(layout) == NULL)
        return err_errno(err, errno, "making a temporary directory in '%s'", tmpdir);
    enum err_kind r = pack_into(layout, s, session, err);
    fs_remove_tree(layout);
    return r;
}

static enum err_kind read_side(
    struct cli *c,
    const struct diff_options *o,
    struct oci_session *session,
    struct side *s,
    struct err *err)
{
    struct oci_ref ref;
    if (fs_is_dir(s->shown))
        return read_directory(c, s, session, err);
    enum err_kind r = oci_ref_parse_source(str_from(s->shown), &ref, err);
    if (r != ERR_OK)
        return r;
    r = oci_ref_settle(session, &ref, o->is_local ? OCI_IN_STORE : OCI_AT_SOURCE, err);
    if (r == ERR_OK)
        r = read_image(o, session, &ref, s, err);
    if (r != ERR_OK && !o->is_local)
        cli_hint_registry(c, &o->transport, &ref, r);
    return r;
}

/* --- as a document ---------------------------------------------------------------------------------- */

static const char *const changes[] = {
    [OCI_ADDED] = "added", [OCI_REMOVED] = "removed", [OCI_CHANGED] = "changed"};

static void member(struct buf *to, const char *lead, const char *value)
{
    buf_text(to, lead);
    json_text_string(to, str_from(value));
}

static void write_difference(struct buf *to, const struct oci_difference *d)
{
    buf_printf(
        to, "{\"impact\":\"%s\",\"what\":\"%s\",\"change\":\"%s\"",
        d->is_breaking ? "breaking" : "compatible", d->what, changes[d->change]);
    member(to, ",\"subject\":", d->subject);
    if (d->path != NULL)
        member(to, ",\"path\":", d->path);
    member(to, ",\"detail\":", d->detail);
    buf_char(to, '}');
}

static void write_side(struct buf *to, const char *lead, const struct side *s)
{
    member(to, lead, s->pinned);
    buf_printf(to, ",\"digest\":\"%s\",\"moduleDigest\":\"%s\"}", s->image.digest, s->wasm_digest);
}

static const char *verdict(const struct oci_comparison *c)
{
    return c->count == 0 ? "same" : c->breaking_count > 0 ? "breaking" : "compatible";
}

static enum err_kind print_document(
    struct cli *c,
    const struct side sides[2],
    const struct oci_comparison *comparison,
    struct err *err)
{
    autobuf struct buf text = {0};
    write_side(&text, "{\"from\":{\"reference\":", &sides[0]);
    write_side(&text, ",\"to\":{\"reference\":", &sides[1]);
    buf_printf(&text, ",\"impact\":\"%s\",\"differences\":[", verdict(comparison));
    for (size_t i = 0; i < comparison->count; i++) {
        if (i > 0)
            buf_char(&text, ',');
        write_difference(&text, &comparison->items[i]);
    }
    buf_text(&text, "]}");
    enum err_kind r = buf_check(&text, "the comparison", err);
    return r == ERR_OK ? cli_print_foreign(c, buf_view(&text), err) : r;
}

/* --- in words --------------------------------------------------------------------------------------- */

static void print_difference(struct cli *c, const struct oci_difference *d)
{
    autobuf struct buf line = {0};
    buf_printf(&line, "%-11s", d->is_breaking ? "breaking" : "compatible");
    if (strcmp(d->subject, d->what) != 0)
        buf_printf(&line, "%s %s: ", d->what, d->subject);
    if (d->path != NULL && d->path[0] != '\0')
        buf_printf(&line, "%s: ", d->path);
    buf_text(&line, d->detail);
    cli_print_line(c, buf_view(&line));
}

static void print_words(struct cli *c, const struct oci_comparison *comparison)
{
    for (size_t i = 0; i < comparison->count; i++)
        print_difference(c, &comparison->items[i]);
    if (comparison->count > 0)
        cli_note(
            c, "%zu breaking, %zu compatible", comparison->breaking_count,
            comparison->count - comparison->breaking_count);
}

/* --- the command ------------------------------------------------------------------------------------ */

static enum err_kind compare(struct cli *c, const struct side sides[2], struct err *err)
{
    auto_oci_comparison struct oci_comparison comparison = {0};
    struct oci_side views[2];
    for (size_t i = 0; i < 2; i++)
        views[i] = (struct oci_side){
            .image = &sides[i].image,
            .wasm = &sides[i].wasm,
            .wasm_digest = sides[i].wasm_digest,
            .is_directory = sides[i].is_directory,
        };
    oci_compare(&views[0], &views[1], &comparison);
    if (comparison.count > 0)
        c->exit_code = EXIT_DIFFERS;
    if (cli_output_is_document(c))
        return print_document(c, sides, &comparison, err);
    print_words(c, &comparison);
    return ERR_OK;
}

static enum err_kind diff(struct cli *c, const struct diff_options *o, struct err *err)
{
    auto_images struct cli_images images = {0};
    struct side sides[2] = {{.shown = c->args.items[0]}, {.shown = c->args.items[1]}};
    enum err_kind r = cli_images_open(c, &o->transport, &images, err);
    for (size_t i = 0; r == ERR_OK && i < 2; i++)
        r = read_side(c, o, images.session, &sides[i], err);
    if (r == ERR_OK)
        r = compare(c, sides, err);
    side_deinit(&sides[0]);
    side_deinit(&sides[1]);
    return r;
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    enum err_kind r = cli_check_args(c, 2, 2, "two images", err);
    if (r == ERR_OK)
        r = diff(c, data, err);
    if (r != ERR_OK) {
        int code = err_info(r)->exit_code;
        c->exit_code = code > EXIT_DIFFERS ? code : EXIT_TROUBLE;
    }
    return r;
}

const struct cli_command cmd_image_diff = {
    .name = "diff",
    .summary = "What changed from one image to another, and what that breaks",
    .usage = "FROM TO",
    .details =
        "FROM and TO are references of any kind, or directories as 'cup pack' takes them. "
        "Definitions, "
        "schemas,\n"
        "ABI, verbs, paths, imports, exports, golden cases and annotations are compared. Exit "
        "code: 0 the\n"
        "same, 1 they differ, above 1 for errors.\n",
    .options = options,
    .shared_options = cli_transport_options,
    .options_bytes = sizeof(struct diff_options),
    .run = run,
};
