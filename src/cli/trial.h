/*
 * A controller tried out here: its module and definitions, of a directory, a file or an image, called over
 * a tree as cupd calls it and judged as cupd judges it. For controller run, test and bench.
 */
#pragma once

#include "cli/transport.h"
#include "core/controller.h"
#include "core/registry.h"
#include "vfs/overlay.h"

/* The first member of the options of a command that tries a controller. */
struct cli_trial_options {
    struct cli_transport transport;
    const char *image;
    const char *wasm;
    const char *memory;
    const char *output;
    const char *dir;
    const char *repo;
};
/* Rows for the command's own table: which controller; over which tree. The others of its transport are
 * the shared table's, cli_transport_options. */
#define CLI_TRIAL_ROWS                                                                             \
    {"image",                                                                                      \
     0,                                                                                            \
     CLI_OPTION_TEXT,                                                                              \
     "REF",                                                                                        \
     "the controller of this image (pulled if need be)",                                           \
     offsetof(struct cli_trial_options, image)},                                                   \
        {"wasm",                                                                                   \
         0,                                                                                        \
         CLI_OPTION_TEXT,                                                                          \
         "PATH",                                                                                   \
         "the controller's module, or its directory with definitions (default: .)",                \
         offsetof(struct cli_trial_options, wasm)},                                                \
        {"memory",                                                                                 \
         0,                                                                                        \
         CLI_OPTION_TEXT,                                                                          \
         "SIZE",                                                                                   \
         "limit of the guest's memory (256MiB)",                                                   \
         offsetof(struct cli_trial_options, memory)},                                              \
    {                                                                                              \
        "max-output", 0, CLI_OPTION_TEXT, "SIZE", "limit of what it prints (16MiB)",               \
            offsetof(struct cli_trial_options, output)                                             \
    }
#define CLI_TREE_ROWS                                                                              \
    {"dir",                                                                                        \
     'd',                                                                                          \
     CLI_OPTION_TEXT,                                                                              \
     "DIR",                                                                                        \
     "the files that it is called over",                                                           \
     offsetof(struct cli_trial_options, dir)},                                                     \
    {                                                                                              \
        "repo", 0, CLI_OPTION_TEXT, "REPO",                                                        \
            "or those of a Git repository on disk, at --revision (HEAD)",                          \
            offsetof(struct cli_trial_options, repo)                                               \
    }

struct cli_trial {
    struct wasmhost *host;
    struct core_controller *controller;
    struct core_registry *registry; /* what its definitions serve */
};
/* USAGE, NOT_FOUND, and what reading an image and loading a module fail with. deinit in any case. */
enum err_kind cli_trial_open(
    struct cli *c,
    const struct cli_trial_options *options,
    struct cli_trial *ret,
    struct err *err) MUST_USE;
void cli_trial_deinit(struct cli_trial *t);
#define auto_trial CLEANUP(cli_trial_deinit)

/* The image of that reference, in the store: its own copy where there is one, as cupd does with pullPolicy
 * IfNotPresent; else pulled. */
enum err_kind cli_image_bring(
    struct oci_session *session,
    struct oci_ref *ref,
    struct oci_image *ret,
    struct err *err) MUST_USE;

/* The tree of --dir or --repo; deinit in any case. USAGE: neither or both. */
struct cli_tree {
    struct vfs *vfs;
    struct repo *repo; /* NULL: a directory */
};
enum err_kind cli_tree_open(
    struct cli *c,
    const struct cli_trial_options *options,
    struct cli_tree *ret,
    struct err *err) MUST_USE;
void cli_tree_deinit(struct cli_tree *t);
#define auto_tree CLEANUP(cli_tree_deinit)

enum cli_verb { CLI_VERB_GET, CLI_VERB_LIST, CLI_VERB_PUT, CLI_VERB_DELETE, CLI_VERB_NAMESPACES };

struct cli_call {
    enum cli_verb verb;
    struct str kind;
    struct str ns;   /* {NULL, 0} of namespaces */
    struct str name; /* {NULL, 0} of list and namespaces */
    struct str body; /* of put: one JSON object */
};
/* "get Flag default a", "list Flag default", "namespaces Flag"; views of the words. USAGE. */
enum err_kind cli_call_parse(
    const char *const *words, size_t count, struct cli_call *ret, struct err *err) MUST_USE;
static inline bool cli_call_writes(const struct cli_call *call)
{
    return call->verb == CLI_VERB_PUT || call->verb == CLI_VERB_DELETE;
}

/*
 * One call. get, list and namespaces read `tree`; put and delete change `overlay`, which lies over it.
 *
 * ret_objects  objects as cupd would send them, one a line
 * watch        what the module did; may be NULL
 * fails        NOT_FOUND; INVALID, MALFORMED (the body); FAILED, TIMEOUT (the controller)
 */
enum err_kind cli_trial_call(
    struct cli_trial *t,
    const struct cli_call *call,
    struct vfs *tree,
    struct overlay *overlay,
    struct core_call_watch *watch,
    struct buf *ret_objects,
    struct err *err) MUST_USE;
