/* cup controller run, bench: calls of a controller as cupd makes them, one or many. */
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/changes.h"
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/print.h"
#include "cli/profile.h"
#include "cli/run.h"
#include "cli/trial.h"
#include "vfs/localwrite.h"
#include "json/json.h"

#include <stddef.h>

static const uint64_t CALLS_MAX = 10000000;
static const uint64_t WRITTEN_MAX = (uint64_t)64 << 20;

struct run_options {
    struct cli_trial_options trial;
    const char *file;
    bool is_written;
    bool is_profiled;
    const char *count;
};

/* A controller, a tree, what to ask. */
struct session {
    struct cli_trial trial;
    struct cli_tree tree;
    struct cli_documents documents;
    struct cli_call call;
};

static void session_deinit(struct session *s)
{
    cli_documents_deinit(&s->documents);
    cli_tree_deinit(&s->tree);
    cli_trial_deinit(&s->trial);
}
#define auto_session CLEANUP(session_deinit)

/* The object to put: -f FILE, else standard input. */
static enum err_kind
read_body(struct cli *c, const struct run_options *o, struct session *s, struct err *err)
{
    if (s->call.verb != CLI_VERB_PUT)
        return o->file == NULL ? ERR_OK : err_set(err, ERR_USAGE, "'-f' goes with put alone");
    struct cli_files files = {0};
    cli_list_add(&files.paths, o->file == NULL ? "-" : o->file);
    enum err_kind r = cli_documents_read(c, &files, &s->documents, err);
    cli_list_deinit(&files.paths);
    if (r == ERR_OK && s->documents.count != 1)
        r = err_set(err, ERR_USAGE, "a put takes one object, not %zu", s->documents.count);
    if (r == ERR_OK)
        s->call.body = str_from(s->documents.items[0].text);
    return r;
}

static enum err_kind
open_session(struct cli *c, const struct run_options *o, struct session *s, struct err *err)
{
    enum err_kind r = cli_call_parse(c->args.items, c->args.count, &s->call, err);
    if (r == ERR_OK && o->is_written && (o->trial.dir == NULL || !cli_call_writes(&s->call)))
        r = err_set(err, ERR_USAGE, "'--write' goes with put and delete, and with --dir");
    if (r == ERR_OK)
        r = cli_tree_open(c, &o->trial, &s->tree, err);
    if (r == ERR_OK)
        r = cli_trial_open(c, &o->trial, &s->trial, err);
    return r == ERR_OK ? read_body(c, o, s, err) : r;
}

/* --- one call -------------------------------------------------------------------------------------------- */

/* What one call gave. */
struct outcome {
    struct overlay *overlay; /* of put and delete */
    struct buf objects;
    struct buf out;
    struct buf diagnostics;
    struct wasmhost_profile profile;
    uint64_t total_ns;
};

static void outcome_deinit(struct outcome *o)
{
    overlay_free(o->overlay);
    buf_deinit(&o->objects);
    buf_deinit(&o->out);
    buf_deinit(&o->diagnostics);
}
#define auto_outcome CLEANUP(outcome_deinit)

static enum err_kind
make_call(struct cli *c, struct session *s, struct outcome *ret, struct err *err)
{
    struct core_call_watch watch = {
        .out = &ret->out, .diagnostics = &ret->diagnostics, .profile = &ret->profile};
    buf_init(&ret->out, (size_t)1 << 30);
    buf_init(&ret->objects, (size_t)1 << 30);
    if (cli_call_writes(&s->call))
        ret->overlay = overlay_new(s->tree.vfs, WRITTEN_MAX);
    int64_t start_ns = clock_monotonic_ns();
    enum err_kind r =
        cli_trial_call(&s->trial, &s->call, s->tree.vfs, ret->overlay, &watch, &ret->objects, err);
    ret->total_ns = (uint64_t)(clock_monotonic_ns() - start_ns);
    if (watch.is_run)
        cli_debug(c, "the module's exit code is %d", watch.exit_code);
    return r;
}

static void pass_text(FILE *to, const struct buf *text)
{
    autobuf struct buf safe = {.max = (size_t)1 << 30};
    cli_print_safe_lines(&safe, buf_view(text));
    if (safe.n > 0)
        fwrite(safe.p, 1, safe.n, to);
    if (safe.n > 0 && safe.p[safe.n - 1] != '\n')
        fputc('\n', to);
}

static enum err_kind print_objects(struct cli *c, const struct buf *objects, struct err *err)
{
    struct str rest = buf_view(objects);
    for (;;) {
        auto_json struct json_doc doc = {0};
        enum err_kind r = json_parse_next(&rest, &doc, err);
        if (r == ERR_OK && doc.doc != NULL)
            r = cli_print_foreign(c, doc.text, err);
        if (r != ERR_OK || doc.doc == NULL)
            return r;
    }
}

/* The diff of what changed; with --write the files are changed, too. */
static enum err_kind settle_changes(
    struct cli *c,
    const struct run_options *o,
    struct session *s,
    struct outcome *outcome,
    struct err *err)
{
    struct vfs_changes changes;
    autobuf struct buf diff = {.max = (size_t)256 << 20};
    enum err_kind r = overlay_changes(outcome->overlay, &changes, err);
    if (r == ERR_OK)
        r = cli_changes_diff(&diff, s->tree.vfs, &changes, err);
    if (r == ERR_OK && !o->is_profiled)
        cli_print_diff(c, buf_view(&diff));
    if (r == ERR_OK && changes.count == 0)
        cli_note(c, "nothing changed");
    if (r != ERR_OK || !o->is_written || changes.count == 0)
        return r;
    r = vfs_localtree_apply(o->trial.dir, &changes, err);
    return r == ERR_OK ? r : err_wrap(err, "nothing is written to '%s'", o->trial.dir);
}

/* Objects as cupd would send them where a form of output is asked for, else what the module printed. */
static enum err_kind show_result(
    struct cli *c,
    const struct run_options *o,
    struct session *s,
    struct outcome *outcome,
    struct err *err)
{
    if (cli_call_writes(&s->call)) {
        pass_text(c->io.notes, &outcome->out); /* cupd drops it: it can only be meant for us */
        return settle_changes(c, o, s, outcome, err);
    }
    if (o->is_profiled)
        return ERR_OK;
    if (cli_output_is_document(c))
        return print_objects(c, &outcome->objects, err);
    pass_text(c->io.out, &outcome->out);
    return ERR_OK;
}

static enum err_kind run(struct cli *c, const void *options, struct err *err)
{
    const struct run_options *o = options;
    auto_session struct session s = {0};
    auto_outcome struct outcome outcome = {0};
    enum err_kind r = open_session(c, o, &s, err);
    if (r != ERR_OK)
        return r;
    r = make_call(c, &s, &outcome, err);
    pass_text(c->io.notes, &outcome.diagnostics);
    if (r == ERR_OK)
        r = show_result(c, o, &s, &outcome, err);
    else if (!o->is_profiled && !cli_call_writes(&s.call) && !cli_output_is_document(c))
        pass_text(c->io.out, &outcome.out);
    if (!o->is_profiled)
        return r;
    struct err unused;
    enum err_kind k = cli_profile_print(c, &outcome.profile, outcome.total_ns, &unused);
    return r == ERR_OK && k != ERR_OK ? err_set(err, k, "%s", unused.text) : r;
}

/* --- many calls -------------------------------------------------------------------------------------------- */

static enum err_kind read_count(const char *text, size_t *ret, struct err *err)
{
    uint64_t n = 1000;
    if (text != NULL && (!str_to_u64(str_from(text), &n) || n == 0 || n > CALLS_MAX))
        return err_set(err, ERR_USAGE, "'-N %s' is no number of calls", text);
    *ret = (size_t)n;
    return ERR_OK;
}

static enum err_kind
measure(struct cli *c, struct session *s, struct cli_sample *samples, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        auto_outcome struct outcome outcome = {0};
        enum err_kind r = make_call(c, s, &outcome, err);
        if (r != ERR_OK && r != ERR_NOT_FOUND)
            return err_wrap(err, "call %zu", i + 1);
        samples[i] = cli_sample_of(&outcome.profile, outcome.total_ns);
    }
    return ERR_OK;
}

static enum err_kind run_bench(struct cli *c, const void *options, struct err *err)
{
    const struct run_options *o = options;
    auto_session struct session s = {0};
    size_t count = 0;
    enum err_kind r = read_count(o->count, &count, err);
    if (r == ERR_OK)
        r = open_session(c, o, &s, err);
    if (r != ERR_OK)
        return r;
    autofree struct cli_sample *samples = mem_realloc_array(NULL, count, sizeof(*samples));
    r = measure(c, &s, samples, count, err);
    return r == ERR_OK ? cli_samples_print(c, samples, count, err) : r;
}

#define AT(member) offsetof(struct run_options, member)
static const struct cli_option run_rows[] = {
    CLI_TREE_ROWS,
    CLI_TRIAL_ROWS,
    {"file", 'f', CLI_OPTION_TEXT, "FILE", "put: the object, JSON or YAML (standard input)",
     AT(file)},
    {"write", 'w', CLI_OPTION_FLAG, NULL, "put, delete: change the files of --dir", AT(is_written)},
    {"profile", 0, CLI_OPTION_FLAG, NULL, "print where the time went, not the result",
     AT(is_profiled)},
    {0},
};
static const struct cli_option bench_rows[] = {
    CLI_TREE_ROWS,
    CLI_TRIAL_ROWS,
    {"file", 'f', CLI_OPTION_TEXT, "FILE", "put: the object, JSON or YAML (standard input)",
     AT(file)},
    {"count", 'N', CLI_OPTION_TEXT, "N", "calls to make (1000)", AT(count)},
    {0},
};

#define CALL_USAGE "VERB KIND [NAMESPACE [NAME]] (--dir DIR | --repo REPO)"

const struct cli_command cmd_controller_run = {
    .name = "run",
    .summary = "Call a controller once, as cupd does",
    .usage = CALL_USAGE,
    .details =
        "VERB is get, list, put, delete or namespaces; KIND as names.kind has it. The controller "
        "is that\n"
        "of --image, or of --wasm: a module, or a directory that holds one and its definitions "
        "(as\n"
        "'cup controller init' makes it; the current one by default). Its result is judged as "
        "cupd\n"
        "judges it; put and delete print what they changed as a diff and change nothing without\n"
        "--write. Exit code 3: not found, 1: the controller failed, 6: the object is invalid, 8: "
        "out of\n"
        "time (--timeout, 10s).\n",
    .options = run_rows,
    .shared_options = cli_transport_options,
    .versions = CLI_VERSIONS_READ,
    .options_bytes = sizeof(struct run_options),
    .run = run,
};

const struct cli_command cmd_controller_bench = {
    .name = "bench",
    .summary = "Time many calls of a controller",
    .usage = CALL_USAGE,
    .details =
        "Makes N equal calls, one after the other, without any cache, and prints the fastest, the\n"
        "median and the 99th percentile of the whole call and of its parts. See 'cup controller\n"
        "run' for how the controller is chosen.\n",
    .options = bench_rows,
    .shared_options = cli_transport_options,
    .versions = CLI_VERSIONS_READ,
    .options_bytes = sizeof(struct run_options),
    .run = run_bench,
};
