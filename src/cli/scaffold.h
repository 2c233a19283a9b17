/*
 * The files that `cup controller init` writes, as the build put them into the program
 * (cmake/scaffold.cmake).
 */
#pragma once

#include "base/defs.h"

struct cli_scaffold_file {
    const char *path; /* below the directory; words like __KIND__ in it are replaced */
    const char *start;
    const char *end;
    bool is_template; /* such words in its text are replaced, too */
};
extern const struct cli_scaffold_file cli_scaffold_files[]; /* ended by a row without path */
