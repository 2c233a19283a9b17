/*
 * Ctrl-C (SIGINT) and SIGTERM in commands that can break off cleanly: the first sets a flag, which ends
 * the command with CANCELLED (exit 130) and lets it tidy up; a second one ends the process at once. A
 * command that has nothing to tidy up does not need this.
 */
#pragma once

#include "base/defs.h"

/* From now on; again is fine. A signal that the caller of cup made us ignore stays ignored. Calls that
 * wait (read, poll) then end with EINTR: whoever waits asks cli_interrupt_is_set. */
void cli_interrupt_catch(void);
/* Was there one? Fits is_cancelled of sessions and HTTP clients; data is not looked at. Any thread. */
bool cli_interrupt_is_set(void *data);
