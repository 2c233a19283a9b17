/*
 * Shell completion, written from the command and option tables.
 */
#pragma once

#include "base/buf.h"

void cli_completion_bash(struct buf *to);
void cli_completion_zsh(struct buf *to);
void cli_completion_fish(struct buf *to);
