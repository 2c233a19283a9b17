/*
 * One run of cup: what every command gets. Tests start a run with their own environment and streams
 * in the same process. Not for what commands share about servers (cli/server.h) or images
 * (cli/transport.h).
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/env.h"
#include "cli/output.h"

#include <stdio.h>

struct http_client;

struct cli_streams {
    int in;      /* file descriptor */
    FILE *out;   /* results, nothing else */
    FILE *notes; /* errors, notes, progress */
    bool is_out_tty;
    bool is_notes_tty;
    /* The process is this run's and no test's: it may catch signals, and be run again as a compiler. */
    bool owns_process;
};

/* Filled by cli_global_options. */
struct cli_globals {
    const char *address;
    const char *ns;
    const char *output;
    const char *config;
    const char *level;
    const char *timeout;
    const char *revision;
    const char *proposal;
    bool is_quiet;
    bool no_color;
    bool wants_help;
    bool wants_version;
};

struct cli {
    const struct cli_env *env;
    struct cli_streams io;
    struct cli_globals globals;
    enum cli_output output;
    enum log_level level;
    int64_t timeout_ms; /* of one request; 0: none */
    const struct cli_command *command;
    char *command_name;   /* "proposal list" */
    struct cli_list args; /* what is neither flag nor command */
    int exit_code;        /* of errors that cli_report printed already */
    char *hint;           /* the way out, printed below an error */
    size_t documents;     /* printed so far */
    char *address;        /* cli_target_resolve */
    char *ns;
    struct http_client *http; /* cli_server_call */
};

/* Runs one command; returns the exit code of README's table. Nothing of it outlives the call. */
int cli_run(
    const struct cli_env *env, const struct cli_streams *streams, int argc, char *const *argv);

/* Print an error now and go on: the exit code of the run is that of the first one. */
void cli_report(struct cli *c, const struct err *err);
/* The way out of the error that is about to be returned. The last one counts. */
void cli_hint(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
void cli_hint_clear(struct cli *c);
/* A line for people on the notes stream; nothing with --quiet or a level above info. */
void cli_note(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
void cli_debug(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3); /* at --level debug */
/* USAGE unless there are at least `least` and at most `most` arguments; `what` as in the usage. */
enum err_kind cli_check_args(
    struct cli *c, size_t least, size_t most, const char *what, struct err *err) MUST_USE;
bool cli_uses_color(const struct cli *c); /* on the output stream */
