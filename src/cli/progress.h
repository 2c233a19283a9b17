/*
 * Progress of moving image layers, on the notes stream: on a terminal one line for each layer under way,
 * redrawn in place, with bytes and rate; elsewhere one line for each finished layer; with --quiet nothing.
 */
#pragma once

#include "base/defs.h"

#include <pthread.h>

struct cli;

#define CLI_PROGRESS_ROWS 8    /* layers shown at once; others are told when they are done */
#define CLI_PROGRESS_DIGEST 20 /* "sha256:" and twelve digits, NUL */

struct cli_progress_row {
    const char *what; /* a word of the caller's that stays: "pull" */
    char digest[CLI_PROGRESS_DIGEST];
    uint64_t first; /* bytes that were there when it was begun */
    uint64_t done;
    uint64_t total;
    int64_t begun_ms; /* monotonic */
};

struct cli_progress {
    struct cli *c;
    pthread_mutex_t lock; /* guards the rest and the notes stream while layers move */
    struct cli_progress_row rows[CLI_PROGRESS_ROWS];
    size_t count;
    size_t drawn;     /* lines above the cursor that are to be replaced */
    int64_t shown_ms; /* monotonic: when they were drawn */
};

void cli_progress_init(struct cli_progress *p, struct cli *c);
void cli_progress_deinit(struct cli_progress *p);
/* struct oci_session_options' progress; data is the struct cli_progress. Any thread. */
void cli_progress_step(
    void *data, const char *what, const char *digest, uint64_t done, uint64_t total);
/* struct oci_session_options' note: a line of its own, whatever counts meanwhile. Any thread. */
void cli_progress_note(void *data, const char *text);
