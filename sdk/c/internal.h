/* Shared by the files of the SDK; not for controllers. */
#pragma once

#include "cup_sdk.h"

struct cup_sdk_out {
    FILE *file;
};

/* Read a stream to its end; `what` names it in errors. Ownership and limits as cup_sdk_read_file(). */
enum cup_sdk_result cup_sdk_read_stream(
    FILE *file,
    const char *what,
    size_t max_bytes,
    char **ret_text,
    size_t *ret_bytes,
    struct cup_sdk_err *err);
