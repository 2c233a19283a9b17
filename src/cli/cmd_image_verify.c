/* cup image verify: is an image signed by those whom we trust? */
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/signing.h"
#include "cli/table.h"
#include "cli/transport.h"
#include "oci/settle.h"
#include "oci/sign.h"
#include "json/json.h"

struct verify_options {
    struct cli_transport transport;
    struct cli_list keys;
    struct cli_list annotations;
    const char *policy;
    bool is_local;
};

#define OPTION(member) offsetof(struct verify_options, member)
static const struct cli_option options[] = {
    {"key", 0, CLI_OPTION_LIST, "FILE", "a public key (PEM) that may have signed it; several: any",
     OPTION(keys)},
    {"annotation", 'a', CLI_OPTION_LIST, "K=V", "that must be signed along; several: all of them",
     OPTION(annotations)},
    {"policy", 0, CLI_OPTION_TEXT, "FILE",
     "whose signature counts (default: cup/trust.json below XDG_CONFIG_HOME)", OPTION(policy)},
    {"local", 0, CLI_OPTION_FLAG, NULL, "the local store's copy, not the registry's",
     OPTION(is_local)},
    {0},
};

/* --- what was found ----------------------------------------------------------------------------------- */

struct findings {
    struct buf json; /* the members of a list */
    struct cli_table table;
    bool wants_annotations;
};

static bool add_finding(void *data, const struct oci_signature *s, const char *signer)
{
    struct findings *f = data;
    const char *form = s->form == OCI_SIGNATURE_BUNDLE ? "bundle" : "simple";
    const char *remark = signer != NULL ? ""
        : s->problem != NULL            ? s->problem
        : s->has_certificate            ? "by a certificate, not by a key"
        : f->wants_annotations          ? "by another key, or without the annotations"
                                        : "by another key, or over other bytes";
    buf_printf(
        &f->json, "%s{\"form\":\"%s\",\"digest\":\"%s\"", f->json.n > 0 ? "," : "", form,
        s->digest);
    json_text_add_member(&f->json, "tag", s->tag);
    json_text_add_member(&f->json, "signer", signer);
    json_text_add_member(&f->json, "problem", signer != NULL ? NULL : remark);
    buf_text(&f->json, ",\"annotations\":");
    buf_str(&f->json, s->annotations);
    buf_char(&f->json, '}');
    const struct str cells[] = {
        str_from(form), str_from(s->digest), str_from(signer == NULL ? "-" : signer),
        str_from(remark)};
    cli_table_row(&f->table, cells);
    return true;
}

static enum err_kind print(
    struct cli *c,
    const char *pinned,
    const char *digest,
    enum err_kind outcome,
    const struct oci_verdict *verdict,
    const struct findings *f,
    struct err *err)
{
    const char *state = outcome != ERR_OK      ? "refused"
        : verdict->state == OCI_TRUST_VERIFIED ? "verified"
                                               : "accepted";
    if (outcome == ERR_OK && !cli_output_is_document(c))
        cli_print_line(c, str_from(pinned));
    if (cli_output_is_table(c))
        cli_table_print(&f->table, c->io.out);
    if (!cli_output_is_document(c))
        return ERR_OK;
    autobuf struct buf text = {0};
    buf_text(&text, "{\"reference\":");
    json_text_string(&text, str_from(pinned));
    buf_printf(&text, ",\"digest\":\"%s\",\"state\":\"%s\"", digest, state);
    json_text_add_member(
        &text, "signer",
        outcome == ERR_OK && verdict->state == OCI_TRUST_VERIFIED ? verdict->signer : NULL);
    buf_text(&text, ",\"signatures\":[");
    buf_str(&text, buf_view(&f->json));
    buf_text(&text, "]}");
    enum err_kind r = buf_check(&text, "the list of signatures", err);
    return r == ERR_OK ? cli_print_foreign(c, buf_view(&text), err) : r;
}

/* --- the command -------------------------------------------------------------------------------------- */

static enum err_kind
open_trust(struct cli *c, const struct verify_options *o, struct oci_trust **ret, struct err *err)
{
    if (o->keys.count > 0 && o->policy != NULL)
        return err_set(err, ERR_USAGE, "either '--key' or '--policy', not both");
    if (o->keys.count > 0)
        return oci_trust_of_keys(o->keys.items, ret, err);
    enum err_kind r = cli_trust_open(c, o->policy, ret, err);
    if (r == ERR_OK && *ret == NULL)
        r = err_set(
            err, ERR_USAGE,
            "whose signature is to count? give '--key FILE' or '--policy FILE' (there is no "
            "cup/trust.json in '%s')",
            c->env->xdg_config_home != NULL ? c->env->xdg_config_home : "~/.config");
    return r;
}

static enum err_kind verify(
    struct cli *c,
    const struct verify_options *o,
    struct oci_ref *ref,
    const struct oci_trust *trust,
    struct findings *f,
    struct err *err)
{
    struct err ignored;
    char digest[OCI_DIGEST_MAX] = "";
    struct oci_verdict verdict = {0};
    auto_images struct cli_images images = {0};
    enum err_kind r = cli_images_open(c, &o->transport, &images, err);
    if (r != ERR_OK)
        return r;
    enum oci_where where = o->is_local ? OCI_IN_STORE : OCI_AT_SOURCE;
    r = oci_ref_settle(images.session, ref, where, err);
    if (r == ERR_OK)
        r = oci_verify(images.session, ref, where, trust, add_finding, f, digest, &verdict, err);
    if (r != ERR_OK && r != ERR_UNVERIFIED && !o->is_local)
        cli_hint_registry(c, &o->transport, ref, r);
    if ((r != ERR_OK && r != ERR_UNVERIFIED) || digest[0] == '\0')
        return r;
    if (r == ERR_OK && verdict.state == OCI_TRUST_UNKNOWN)
        cli_note(c, "the policy wants no signature of it");
    autofree char *pinned = cli_ref_pinned(ref, digest);
    enum err_kind printed = print(c, pinned, digest, r, &verdict, f, r == ERR_OK ? err : &ignored);
    return r == ERR_OK ? printed : r;
}

static enum err_kind run(struct cli *c, const void *data, struct err *err)
{
    static const char *const header[] = {"FORM", "DIGEST", "SIGNER", "REMARK", NULL};
    const struct verify_options *o = data;
    autorelease(oci_trust_free) struct oci_trust *trust = NULL;
    struct findings f = {.wants_annotations = o->annotations.count > 0};
    struct oci_ref ref;
    enum err_kind r = cli_check_args(c, 1, 1, "a reference", err);
    if (r == ERR_OK)
        r = oci_ref_parse_source(str_from(c->args.items[0]), &ref, err);
    if (r == ERR_OK)
        r = open_trust(c, o, &trust, err);
    if (r == ERR_OK && o->annotations.count > 0)
        r = oci_trust_require_annotations(trust, o->annotations.items, err);
    if (r != ERR_OK)
        return r;
    cli_table_init(&f.table, header);
    r = verify(c, o, &ref, trust, &f, err);
    cli_table_deinit(&f.table);
    buf_deinit(&f.json);
    return r;
}

const struct cli_command cmd_image_verify = {
    .name = "verify",
    .summary = "Check who signed an image",
    .usage = "--key FILE|--policy FILE REF",
    .details =
        "Prints REF@DIGEST when it holds, and ends with 7 when it does not. With a host, REF means "
        "the registry's\n"
        "image; --local the store's copy of it. Both forms of cosign are read; a key and the "
        "signed "
        "text decide,\n"
        "transparency logs are not asked. docs/trust-policy.md has the form of a policy.\n",
    .options = options,
    .shared_options = cli_transport_options,
    .options_bytes = sizeof(struct verify_options),
    .run = run,
};
