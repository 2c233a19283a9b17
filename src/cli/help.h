/*
 * Help of the program, its groups and commands, made from the command and option tables.
 */
#pragma once

#include "base/err.h"
#include "cli/command.h"

#include <stdio.h>

void cli_help_program(FILE *to);
/* name: as one types it, "proposal list". */
void cli_help_command(FILE *to, const struct cli_command *command, const char *name);
/* A topic that is no command ("exit-codes", "environment"); false when there is none of this name. */
bool cli_help_topic(FILE *to, const char *name);
