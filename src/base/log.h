/*
 * Log lines as key=value text (the form upstream's users know) or as one JSON object a line.
 * Only api/, cli/, core's background work and main_* log; nobody logs an error that it returns.
 * Values are escaped, so that nothing a client sends can forge a line. Never pass a secret.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

enum log_level { LOG_DEBUG = 0, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_field {
    const char *key;
    struct str value;
};
#define LOG_FIELD(k, text) ((struct log_field){(k), str_from(text)})
#define LOG_FIELD_STR(k, s) ((struct log_field){(k), (s)})

/* Where lines go (a file descriptor), in which form and from which level on. Call before threads
 * start; the defaults are standard output, text, LOG_DEBUG. */
void log_setup(int fd, enum log_format format, enum log_level lowest);
bool log_is_on(enum log_level level);
/* Any thread; one write per line. */
void log_fields(enum log_level level, const char *msg, const struct log_field *fields, size_t n);
#define log_line(level, msg, ...)                                                                  \
    log_fields(                                                                                    \
        (level), (msg), (const struct log_field[]){__VA_ARGS__},                                   \
        sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
/* For lines that belong together and are written at once: add those whose level is on, then write. */
void log_add_line(
    struct buf *to,
    enum log_level level,
    const char *msg,
    const struct log_field *fields,
    size_t n);
void log_write(struct buf *lines);
/* "debug", "info", "warn", "error" in any case; false when it is none of them. */
bool log_level_parse(struct str text, enum log_level *ret_level);
