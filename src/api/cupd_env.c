#include "api/cupd_env.h"

#include <stdlib.h>

const char *cupd_env(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}
