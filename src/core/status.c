/* What runs: the controllers of the current snapshot, as JSON for api/ and cli/. */
#include "base/clock.h"
#include "core/internal.h"
#include "core/sync.h"
#include "json/json.h"

static void member(struct buf *to, const char *lead, const char *value)
{
    buf_text(to, lead);
    if (value == NULL)
        buf_text(to, "null");
    else
        json_text_string(to, str_from(value));
}

static void
write_kinds(struct buf *to, const struct core_registry *registry, const struct core_controller *c)
{
    const char *separator = "";
    for (size_t i = 0; i < registry->served_count; i++) {
        const struct core_served *s = &registry->served[i];
        if (s->controller != c)
            continue;
        buf_printf(to, "%s\"%s/%s/%s\"", separator, s->kind.group, s->kind.version, s->kind.plural);
        separator = ",";
    }
}

/* Verified: Unknown where no policy wanted a signature; a false one does not run. UpToDate: what the reference resolved to when it was loaded. */
static void write_conditions(struct buf *to, const struct core_controller *c)
{
    buf_text(to, ",\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}");
    if (c->image_reference != NULL)
        buf_printf(
            to,
            ",{\"type\":\"Verified\",\"status\":\"%s\"}"
            ",{\"type\":\"UpToDate\",\"status\":\"Unknown\"}",
            c->signer != NULL ? "True" : "Unknown");
    buf_char(to, ']');
}

static void write_controller(
    struct buf *to, const struct core_registry *registry, const struct core_controller *c)
{
    member(to, "{\"name\":", c->name);
    member(to, ",\"type\":", c->type);
    buf_text(to, ",\"image\":");
    if (c->image_reference == NULL) {
        buf_text(to, "null");
    } else {
        member(to, "{\"reference\":", c->image_reference);
        member(to, ",\"digest\":", c->image_digest);
        member(to, ",\"manifest\":", c->manifest_digest);
        member(to, ",\"signer\":", c->signer);
        buf_char(to, '}');
    }
    member(to, ",\"module\":", c->module_digest);
    buf_text(to, ",\"kinds\":[");
    write_kinds(to, registry, c);
    buf_char(to, ']');
    write_conditions(to, c);
    buf_text(to, ",\"error\":null}");
}

enum err_kind core_controllers(struct core *c, struct str name, struct buf *ret, struct err *err)
{
    auto_snapshot struct core_snapshot *s = core_current(c);
    const struct core_registry *registry = s->registry;
    if (name.n > 0) {
        const struct core_controller *one = core_registry_controller(registry, name);
        if (one == NULL)
            return err_set(
                err, ERR_NOT_FOUND, "no controller '" STR_FMT "'", STR_ARG(str_take(name, 64)));
        write_controller(ret, registry, one);
        buf_char(ret, '\n');
        return buf_check(ret, "the controller", err);
    }
    buf_text(ret, "{\"items\":[");
    for (size_t i = 0; i < registry->controller_count; i++) {
        if (i > 0)
            buf_char(ret, ',');
        write_controller(ret, registry, registry->controllers[i]);
    }
    buf_text(ret, "]}\n");
    return buf_check(ret, "the list of controllers", err);
}

/* --- the source ------------------------------------------------------------------------------------- */

static double age_s(const struct core_sync_state *state)
{
    return (double)(clock_monotonic_ms() - state->good_ms) / 1000;
}

static void write_branch(struct core *c, const struct core_snapshot *s, struct buf *to)
{
    char hex[REPO_ID_HEX + 1];
    struct core_sync_state state;
    core_sync_state(c->sync, &state);
    member(to, ",\"source\":", repo_display_url(c->repo));
    member(to, ",\"branch\":", c->target_branch);
    repo_id_hex(&s->commit, hex);
    member(to, ",\"commit\":", s->has_commit ? hex : NULL);
    if (state.good_ms < 0)
        buf_text(to, ",\"age\":null");
    else
        buf_printf(to, ",\"age\":%.3f", age_s(&state));
    member(to, ",\"error\":", state.is_failing ? state.err.text : NULL);
}

enum err_kind core_readiness(struct core *c, bool *ret_is_ready, struct buf *ret, struct err *err)
{
    auto_snapshot struct core_snapshot *s = core_current(c);
    *ret_is_ready = s->tree != NULL;
    buf_printf(ret, "{\"ready\":%s", *ret_is_ready ? "true" : "false");
    if (c->is_git) {
        write_branch(c, s, ret);
    } else {
        member(ret, ",\"source\":", c->local_path);
        buf_text(ret, ",\"branch\":null,\"commit\":null,\"age\":null,\"error\":null");
    }
    buf_text(ret, "}\n");
    return buf_check(ret, "state of the source", err);
}

/* --- metrics ---------------------------------------------------------------------------------------- */

static void metric(struct buf *to, const char *name, const char *type, const char *help, uint64_t v)
{
    buf_printf(
        to, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name,
        (unsigned long long)v);
}

static void write_source_metrics(struct core *c, struct buf *to)
{
    struct core_sync_state state;
    core_sync_state(c->sync, &state);
    metric(to, "cup_source_fetches_total", "counter", "Looks at the source's branch.", state.looks);
    metric(
        to, "cup_source_fetch_failures_total", "counter", "Those that did not get through.",
        state.failures);
    metric(to, "cup_source_failing", "gauge", "1 while the last look failed.", state.is_failing);
    if (state.good_ms >= 0)
        buf_printf(
            to,
            "# HELP cup_source_age_seconds Since the last look that got through.\n"
            "# TYPE cup_source_age_seconds gauge\ncup_source_age_seconds %.3f\n",
            age_s(&state));
}

void core_write_metrics(struct core *c, struct buf *to)
{
    if (c->sync != NULL)
        write_source_metrics(c, to);
    struct core_cache_stats s;
    core_cache_stats(c->cache, &s);
    metric(
        to, "cup_result_cache_hits_total", "counter", "Reads answered from kept results.", s.hits);
    metric(
        to, "cup_result_cache_misses_total", "counter", "Reads that a controller computed.",
        s.misses);
    metric(to, "cup_result_cache_bytes", "gauge", "Memory that kept results hold.", s.bytes);
    metric(to, "cup_result_cache_entries", "gauge", "Kept results.", s.entries);
}
