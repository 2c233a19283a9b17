/* The environment as cupd reads it: the only place in api/ that does. */
#pragma once

/* Value of the variable, or NULL where it is unset or empty: upstream has it so. */
const char *cupd_env(const char *name);
