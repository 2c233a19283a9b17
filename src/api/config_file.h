/* The YAML file that -config names: nested keys joined by `-` are names of flags. */
#pragma once

#include "api/flags.h"

/* What the file says becomes the default of what is not set yet. MALFORMED and USAGE name the line. */
enum err_kind config_file_read(const char *path, struct flags *flags, struct err *err) MUST_USE;
