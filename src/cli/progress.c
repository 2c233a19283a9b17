#include "cli/progress.h"
#include "base/clock.h"
#include "base/units.h"
#include "cli/run.h"

#include <string.h>

#define REDRAW_MS 100
#define RATE_AFTER_MS 500 /* before that it would be a guess */
#define ERASE_DOWN "\x1b[J"

void cli_progress_init(struct cli_progress *p, struct cli *c)
{
    *p = (struct cli_progress){.c = c};
    pthread_mutex_init(&p->lock, NULL);
}

void cli_progress_deinit(struct cli_progress *p)
{
    if (p->c == NULL)
        return;
    pthread_mutex_destroy(&p->lock);
    *p = (struct cli_progress){0};
}

/* --- lines on a terminal ---------------------------------------------------------------------------- */

static void erase(struct cli_progress *p)
{
    if (p->drawn > 0)
        fprintf(p->c->io.notes, "\x1b[%zuA\r" ERASE_DOWN, p->drawn);
    p->drawn = 0;
}

static void draw_row(FILE *to, const struct cli_progress_row *row, int64_t now_ms)
{
    char done[16], total[16], rate[16];
    int64_t ms = now_ms - row->begun_ms;
    units_format_size(row->done, done, sizeof(done));
    units_format_size(row->total, total, sizeof(total));
    fprintf(to, "%s %s  %s of %s", row->what, row->digest, done, total);
    if (ms >= RATE_AFTER_MS && row->done > row->first) {
        units_format_size((row->done - row->first) * 1000 / (uint64_t)ms, rate, sizeof(rate));
        fprintf(to, "  %s/s", rate);
    }
    fputc('\n', to);
}

static void draw(struct cli_progress *p, int64_t now_ms)
{
    for (size_t i = 0; i < p->count; i++)
        draw_row(p->c->io.notes, &p->rows[i], now_ms);
    p->drawn = p->count;
    p->shown_ms = now_ms;
    fflush(p->c->io.notes);
}

/* The row of a layer; a new one where there is room, else NULL. */
static struct cli_progress_row *
find_row(struct cli_progress *p, const char *what, const char *digest, uint64_t done)
{
    char shown[CLI_PROGRESS_DIGEST];
    snprintf(shown, sizeof(shown), "%s", digest);
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->rows[i].digest, shown) == 0)
            return &p->rows[i];
    }
    if (p->count == CLI_PROGRESS_ROWS)
        return NULL;
    struct cli_progress_row *row = &p->rows[p->count++];
    *row = (struct cli_progress_row){.what = what, .first = done, .begun_ms = clock_monotonic_ms()};
    memcpy(row->digest, shown, sizeof(shown));
    return row;
}

static void drop_row(struct cli_progress *p, struct cli_progress_row *row)
{
    size_t i = (size_t)(row - p->rows);
    p->count--;
    memmove(row, row + 1, (p->count - i) * sizeof(*row));
}

static void print_done(struct cli_progress *p, const char *what, const char *digest, uint64_t total)
{
    char all[16];
    units_format_size(total, all, sizeof(all));
    fprintf(p->c->io.notes, "%s %.*s  %s\n", what, CLI_PROGRESS_DIGEST - 1, digest, all);
}

static void step_on_terminal(
    struct cli_progress *p, const char *what, const char *digest, uint64_t done, uint64_t total)
{
    int64_t now_ms = clock_monotonic_ms();
    bool is_done = done >= total;
    struct cli_progress_row *row = find_row(p, what, digest, done);
    if (row != NULL) {
        row->done = done;
        row->total = total;
    }
    if (is_done && row != NULL)
        drop_row(p, row);
    if (!is_done && p->drawn > 0 && now_ms - p->shown_ms < REDRAW_MS)
        return;
    erase(p);
    if (is_done)
        print_done(p, what, digest, total);
    draw(p, now_ms);
}

/* --- both ------------------------------------------------------------------------------------------- */

void cli_progress_step(
    void *data, const char *what, const char *digest, uint64_t done, uint64_t total)
{
    struct cli_progress *p = data;
    if (p->c->globals.is_quiet || p->c->level > LOG_INFO)
        return;
    pthread_mutex_lock(&p->lock);
    if (p->c->io.is_notes_tty)
        step_on_terminal(p, what, digest, done, total);
    else if (done >= total)
        print_done(p, what, digest, total);
    pthread_mutex_unlock(&p->lock);
}

void cli_progress_note(void *data, const char *text)
{
    struct cli_progress *p = data;
    pthread_mutex_lock(&p->lock);
    erase(p);
    cli_note(p->c, "%s", text);
    draw(p, clock_monotonic_ms());
    pthread_mutex_unlock(&p->lock);
}
