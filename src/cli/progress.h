/*
 * Progress of moving image layers, on the notes stream: on a terminal one line a layer that counts
 * up, elsewhere one line for each finished layer, with --quiet nothing.
 */
#pragma once

#include "base/defs.h"

#include <pthread.h>

struct cli;

struct cli_progress {
    struct cli *c;
    pthread_mutex_t lock; /* guards the rest and the notes stream while layers move */
    int64_t shown_ms;     /* monotonic: when the open line was written last */
    bool is_line_open;    /* the cursor stands behind a line that counts */
};

void cli_progress_init(struct cli_progress *p, struct cli *c);
/* Ends a line that still stands open. */
void cli_progress_deinit(struct cli_progress *p);
/* struct oci_session_options' progress; data is the struct cli_progress. Any thread. */
void cli_progress_step(
    void *data, const char *what, const char *digest, uint64_t done, uint64_t total);
/* struct oci_session_options' note: a line of its own, whatever counts meanwhile. Any thread. */
void cli_progress_note(void *data, const char *text);
