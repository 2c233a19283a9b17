#include "cli/progress.h"
#include "base/clock.h"
#include "base/units.h"
#include "cli/run.h"

#define REDRAW_MS 100
#define DIGEST_SHOWN 19 /* "sha256:" and twelve digits */
#define ERASE_TO_END "\x1b[K"

void cli_progress_init(struct cli_progress *p, struct cli *c)
{
    *p = (struct cli_progress){.c = c};
    pthread_mutex_init(&p->lock, NULL);
}

void cli_progress_deinit(struct cli_progress *p)
{
    if (p->c == NULL)
        return;
    if (p->is_line_open)
        fputc('\n', p->c->io.notes);
    pthread_mutex_destroy(&p->lock);
    *p = (struct cli_progress){0};
}

static void
draw(struct cli_progress *p, const char *what, const char *digest, uint64_t done, uint64_t total)
{
    int64_t now_ms = clock_monotonic_ms();
    bool is_end = done >= total;
    if (!is_end && p->is_line_open && now_ms - p->shown_ms < REDRAW_MS)
        return;
    char sofar[16];
    char all[16];
    units_format_size(done, sofar, sizeof(sofar));
    units_format_size(total, all, sizeof(all));
    fprintf(
        p->c->io.notes, "\r%s %.*s  %s of %s" ERASE_TO_END "%s", what, DIGEST_SHOWN, digest, sofar,
        all, is_end ? "\n" : "");
    fflush(p->c->io.notes);
    p->is_line_open = !is_end;
    p->shown_ms = now_ms;
}

void cli_progress_step(
    void *data, const char *what, const char *digest, uint64_t done, uint64_t total)
{
    struct cli_progress *p = data;
    if (p->c->globals.is_quiet || p->c->level > LOG_INFO)
        return;
    pthread_mutex_lock(&p->lock);
    if (p->c->io.is_notes_tty) {
        draw(p, what, digest, done, total);
    } else if (done >= total) {
        char all[16];
        units_format_size(total, all, sizeof(all));
        fprintf(p->c->io.notes, "%s %.*s  %s\n", what, DIGEST_SHOWN, digest, all);
    }
    pthread_mutex_unlock(&p->lock);
}

void cli_progress_note(void *data, const char *text)
{
    struct cli_progress *p = data;
    pthread_mutex_lock(&p->lock);
    if (p->is_line_open)
        fprintf(p->c->io.notes, "\r" ERASE_TO_END);
    p->is_line_open = false;
    cli_note(p->c, "%s", text);
    fflush(p->c->io.notes);
    pthread_mutex_unlock(&p->lock);
}
