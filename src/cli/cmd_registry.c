/* cup registry: what one asks of a registry itself: its tags, and whether it can be used from here. */
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/transport.h"
#include "oci/ping.h"
#include "oci/semver.h"
#include "oci/settle.h"
#include "json/json.h"

#include <stdio.h>

/* --- tags --------------------------------------------------------------------------------------------- */

struct tags_options {
    struct cli_transport transport;
    const char *limit;
    const char *last;
    const char *semver;
};

#define TAGS(member) offsetof(struct tags_options, member)
static const struct cli_option tags_options[] = {
    {"limit", 0, CLI_OPTION_TEXT, "N", "at most that many", TAGS(limit)},
    {"last", 0, CLI_OPTION_TEXT, "TAG", "only those behind this one", TAGS(last)},
    {"semver", 0, CLI_OPTION_TEXT, "RANGE", "only versions that fit, as ~1.2; the lowest first",
     TAGS(semver)},
    {0},
};

/* Which of the tags are printed: from..to. */
struct part {
    size_t from;
    size_t to;
    bool has_more;
};

static enum err_kind read_limit(const struct tags_options *o, uint64_t *ret_limit, struct err *err)
{
    *ret_limit = UINT64_MAX;
    if (o->limit != NULL && (!str_to_u64(str_from(o->limit), ret_limit) || *ret_limit == 0))
        return err_set(err, ERR_USAGE, "'--limit %s' is not a number above 0", o->limit);
    return ERR_OK;
}

static enum err_kind keep_range(struct oci_tag_list *tags, const char *text, struct err *err)
{
    struct oci_semver_range range;
    size_t kept = 0;
    enum err_kind r = oci_semver_range_parse(str_from(text), &range, err);
    if (r != ERR_OK)
        return err_as(err, ERR_USAGE);
    for (size_t i = 0; i < tags->count; i++) {
        struct oci_semver version;
        bool is_in = oci_semver_parse(str_from(tags->items[i]), &version) &&
            oci_semver_range_holds(&range, &version);
        if (is_in)
            tags->items[kept++] = tags->items[i];
        else
            free(tags->items[i]);
    }
    tags->count = kept;
    return ERR_OK;
}

static int by_version(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return oci_semver_compare_tags(str_from(*left), str_from(*right));
}

/* Registries should give them in this order, but some do not (distribution-spec, "Listing Tags"). */
static int by_letters(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return strcmp(*left, *right);
}

/* In order, and behind the last one, which may be gone by now. */
static struct part
order_and_cut(struct oci_tag_list *tags, const struct tags_options *o, uint64_t limit)
{
    int (*compare)(const void *, const void *) = o->semver != NULL ? by_version : by_letters;
    struct part p = {.to = tags->count};
    if (tags->count > 0)
        qsort(tags->items, tags->count, sizeof(*tags->items), compare);
    while (o->last != NULL && p.from < tags->count && compare(&tags->items[p.from], &o->last) <= 0)
        p.from++;
    p.has_more = tags->count - p.from > limit;
    if (p.has_more)
        p.to = p.from + (size_t)limit;
    return p;
}

static enum err_kind print_tags_document(
    struct cli *c,
    const struct oci_ref *ref,
    const struct oci_tag_list *tags,
    struct part part,
    struct err *err)
{
    autobuf struct buf text = {0};
    autofree char *repository = mem_printf("%s/%s", ref->host, ref->repository);
    buf_text(&text, "{\"repository\":");
    json_text_string(&text, str_from(repository));
    buf_text(&text, ",\"tags\":[");
    for (size_t i = part.from; i < part.to; i++) {
        if (i > part.from)
            buf_char(&text, ',');
        json_text_string(&text, str_from(tags->items[i]));
    }
    buf_text(&text, "]");
    if (part.has_more) {
        buf_text(&text, ",\"last\":");
        json_text_string(&text, str_from(tags->items[part.to - 1]));
    }
    buf_text(&text, "}");
    enum err_kind r = buf_check(&text, "the list of tags", err);
    return r == ERR_OK ? cli_print_foreign(c, buf_view(&text), err) : r;
}

static enum err_kind print_tags(
    struct cli *c,
    const struct tags_options *o,
    const struct oci_ref *ref,
    struct oci_tag_list *tags,
    struct err *err)
{
    uint64_t limit;
    enum err_kind r = read_limit(o, &limit, err);
    if (r == ERR_OK && o->semver != NULL)
        r = keep_range(tags, o->semver, err);
    if (r != ERR_OK)
        return r;
    struct part part = order_and_cut(tags, o, limit);
    if (cli_output_is_document(c))
        return print_tags_document(c, ref, tags, part, err);
    for (size_t i = part.from; i < part.to; i++)
        cli_print_line(c, str_from(tags->items[i]));
    if (part.has_more)
        cli_note(c, "%zu more: --last %s goes on", tags->count - part.to, tags->items[part.to - 1]);
    return ERR_OK;
}

static enum err_kind read_repository(struct cli *c, struct oci_ref *ret, struct err *err)
{
    const char *text;
    enum err_kind r = cli_check_args(c, 1, 1, "a repository, HOST/REPOSITORY", err);
    if (r != ERR_OK)
        return r;
    text = c->args.items[0];
    r = oci_ref_parse(str_from(text), ret, err);
    if (r == ERR_OK && ret->kind != OCI_REF_REGISTRY)
        r = err_set(
            err, ERR_USAGE, "'%s' is not a repository of a registry: write HOST/REPOSITORY", text);
    if (r == ERR_OK && (ret->tag[0] != '\0' || ret->digest[0] != '\0'))
        r = err_set(err, ERR_USAGE, "'%s': the repository alone, without a tag or digest", text);
    return r;
}

static enum err_kind run_tags(struct cli *c, const void *data, struct err *err)
{
    const struct tags_options *o = data;
    auto_images struct cli_images images = {0};
    auto_oci_tag_list struct oci_tag_list tags = {0};
    struct oci_ref ref;
    uint64_t ignored;
    enum err_kind r = read_repository(c, &ref, err);
    if (r == ERR_OK)
        r = read_limit(o, &ignored, err);
    if (r == ERR_OK)
        r = cli_images_open(c, &o->transport, &images, err);
    if (r != ERR_OK)
        return r;
    r = oci_ref_tags(images.session, &ref, OCI_AT_SOURCE, &tags, err);
    if (r != ERR_OK) {
        cli_hint_registry(c, &o->transport, &ref, r);
        return r;
    }
    return print_tags(c, o, &ref, &tags, err);
}

static const struct cli_command tags = {
    .name = "tags",
    .summary = "List the tags of a repository",
    .usage = "HOST/REPOSITORY",
    .details = "In the order of letters; with --semver in the order of versions.\n",
    .options = tags_options,
    .shared_options = cli_registry_options,
    .options_bytes = sizeof(struct tags_options),
    .run = run_tags,
};

/* --- ping --------------------------------------------------------------------------------------------- */

struct ping_options {
    struct cli_transport transport;
    const char *scope;
};

static const struct cli_option ping_options[] = {
    {"scope", 0, CLI_OPTION_TEXT, "REPOSITORY", "also: may one pull from it and push to it?",
     offsetof(struct ping_options, scope)},
    {0},
};

/* The flag or command that mends a failed step; NULL where we know none. */
static char *way_out(
    const struct ping_options *o,
    const char *host,
    const struct oci_ping *ping,
    enum oci_ping_step step)
{
    enum err_kind kind = ping->steps[step].kind;
    bool is_refused = kind == ERR_UNAUTHENTICATED || kind == ERR_DENIED;
    switch (step) {
    case OCI_PING_NAME:
        return mem_strdup("check the spelling, the network and, where one is set, the proxy");
    case OCI_PING_CONNECT:
        return mem_strdup("is a registry running there, and is the port right (HOST:PORT)?");
    case OCI_PING_TLS:
        return mem_strdup(
            ping->is_not_tls ? "--plain-http, if plain HTTP is what it should speak"
                             : "--ca-file FILE for a private authority, --cert-file and --key-file "
                               "where it wants a client certificate");
    case OCI_PING_API:
        if (ping->is_plain && o->transport.is_plain_http)
            return mem_strdup("leave out --plain-http, if it speaks TLS");
        return kind == ERR_UNSUPPORTED ? mem_strdup("is that the registry's host, and its port?")
                                       : NULL;
    case OCI_PING_CHALLENGE:
        return NULL;
    case OCI_PING_TOKEN:
        if (is_refused && ping->is_plain && !o->transport.is_plain_http)
            return mem_strdup("--plain-http sends credentials without TLS");
        if (is_refused && !ping->has_user && o->scope == NULL)
            return mem_printf(
                "cup login %s; what needs no credentials shows with --scope REPOSITORY", host);
        return is_refused ? mem_printf("cup login %s", host) : NULL;
    case OCI_PING_PULL:
    case OCI_PING_PUSH:
        return is_refused ? mem_printf("cup login %s, as a user who may", host) : NULL;
    case OCI_PING_STEPS:
        break;
    }
    return NULL;
}

static const char *state_name(enum oci_ping_state state)
{
    return state == OCI_PING_OK ? "ok" : state == OCI_PING_FAILED ? "FAILED" : "skipped";
}

static void print_steps(
    struct cli *c, const struct ping_options *o, const char *host, const struct oci_ping *ping)
{
    for (enum oci_ping_step i = 0; i < OCI_PING_STEPS; i++) {
        const struct oci_ping_result *s = &ping->steps[i];
        autofree char *mend = s->state == OCI_PING_FAILED ? way_out(o, host, ping, i) : NULL;
        if (s->state == OCI_PING_SKIPPED)
            continue;
        autofree char *line =
            mem_printf("%-10s %-7s %s", oci_ping_step_name(i), state_name(s->state), s->text);
        cli_print_line(c, str_from(line));
        if (mend != NULL)
            fprintf(c->io.out, "%-10s %-7s %s\n", "", "", mend);
    }
}

static enum err_kind print_ping_document(
    struct cli *c,
    const struct ping_options *o,
    const char *host,
    const struct oci_ping *ping,
    bool is_ok,
    struct err *err)
{
    autobuf struct buf text = {0};
    buf_text(&text, "{\"registry\":");
    json_text_string(&text, str_from(host));
    buf_printf(&text, ",\"ok\":%s,\"steps\":[", is_ok ? "true" : "false");
    for (enum oci_ping_step i = 0; i < OCI_PING_STEPS; i++) {
        const struct oci_ping_result *s = &ping->steps[i];
        bool is_failed = s->state == OCI_PING_FAILED;
        autofree char *mend = is_failed ? way_out(o, host, ping, i) : NULL;
        buf_printf(
            &text, "%s{\"step\":\"%s\",\"state\":\"%s\"", i == 0 ? "" : ",", oci_ping_step_name(i),
            is_failed ? "failed" : state_name(s->state));
        if (s->state != OCI_PING_SKIPPED) {
            buf_text(&text, ",\"message\":");
            json_text_string(&text, str_from(s->text));
        }
        if (mend != NULL) {
            buf_text(&text, ",\"hint\":");
            json_text_string(&text, str_from(mend));
        }
        buf_char(&text, '}');
    }
    buf_text(&text, "]}");
    return cli_print_foreign(c, buf_view(&text), err);
}

static enum err_kind check_scope(const char *host, const char *scope, struct err *err)
{
    struct oci_ref ref;
    if (scope == NULL)
        return ERR_OK;
    autofree char *text = mem_printf("%s/%s", host, scope);
    enum err_kind r = oci_ref_parse(str_from(text), &ref, err);
    if (r == ERR_OK && (ref.tag[0] != '\0' || ref.digest[0] != '\0'))
        r = err_set(err, ERR_INVALID, "'--scope %s': the repository alone", scope);
    return r;
}

static enum err_kind run_ping(struct cli *c, const void *data, struct err *err)
{
    const struct ping_options *o = data;
    char host[OCI_HOST_MAX];
    auto_login_files struct cli_login_files files = {0};
    struct oci_session_options session;
    enum err_kind r = cli_check_args(c, 1, 1, "a registry, HOST[:PORT]", err);
    if (r == ERR_OK)
        r = oci_ref_parse_host(str_from(c->args.items[0]), host, err);
    if (r == ERR_OK)
        r = check_scope(host, o->scope, err);
    if (r == ERR_OK)
        r = cli_session_options(c, &o->transport, &files, &session, err);
    if (r != ERR_OK)
        return r;
    autofree struct oci_ping *ping = mem_new(struct oci_ping);
    r = oci_ping(&session, host, o->scope, ping, err);
    if (cli_output_is_document(c)) {
        struct err printing;
        enum err_kind printed = print_ping_document(c, o, host, ping, r == ERR_OK, &printing);
        if (r == ERR_OK && printed != ERR_OK)
            *err = printing;
        r = r == ERR_OK ? printed : r;
    } else {
        print_steps(c, o, host, ping);
    }
    return r == ERR_OK ? r : err_wrap(err, "registry '%s'", host);
}

static const struct cli_command ping = {
    .name = "ping",
    .summary = "Say how far a registry is reached, and what mends the step that fails",
    .usage = "HOST [--scope REPOSITORY]",
    .details = "Steps: name, connect, tls, /v2/, challenge, token, and with --scope pull and push, "
               "which begins\n"
               "an upload and gives it up.\n",
    .options = ping_options,
    .shared_options = cli_registry_options,
    .options_bytes = sizeof(struct ping_options),
    .run = run_ping,
};

/* Keep sorted by name. */
static const struct cli_command *const commands[] = {
    &ping,
    &tags,
    NULL,
};

const struct cli_command cmd_registry = {
    .name = "registry",
    .group = "Registries",
    .summary = "Tags of a registry's repositories, and whether it can be used",
    .commands = commands,
};
