#include "cli/interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { EXIT_INTERRUPTED = 130 };

/* The one thing that a signal handler can reach (ARCHITECTURE.md, mutable statics). */
static atomic_int caught;

static void on_signal(int number)
{
    (void)number;
    if (atomic_fetch_add(&caught, 1) > 0)
        _exit(EXIT_INTERRUPTED);
}

static void catch_one(int number)
{
    struct sigaction old;
    struct sigaction handler = {.sa_handler = on_signal};
    sigemptyset(&handler.sa_mask);
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
        sigaction(number, &handler, NULL);
}

void cli_interrupt_catch(void)
{
    catch_one(SIGINT);
    catch_one(SIGTERM);
}

bool cli_interrupt_is_set(void *data)
{
    (void)data;
    return atomic_load(&caught) > 0;
}
