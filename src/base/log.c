#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* The one mutable static of base/: set before threads start, read-only afterwards. */
static struct {
    int fd;
    enum log_format format;
    enum log_level lowest;
} settings = {STDOUT_FILENO, LOG_FORMAT_TEXT, LOG_DEBUG};

static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};
static const size_t LINE_MAX_BYTES = 64 << 10;

void log_setup(int fd, enum log_format format, enum log_level lowest)
{
    settings.fd = fd;
    settings.format = format;
    settings.lowest = lowest;
}

bool log_is_on(enum log_level level)
{
    return level >= settings.lowest;
}

bool log_level_parse(struct str text, enum log_level *ret_level)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq_nocase(text, str_from(names[i]))) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

static bool needs_quotes(struct str s)
{
    if (s.n == 0 || !str_is_utf8(s))
        return true;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= ' ' || c == '"' || c == '=' || c == 0x7F)
            return true;
    }
    /* C1 control characters (C2 80 … C2 9F) steer some terminals */
    for (size_t i = 0; i + 1 < s.n; i++) {
        if ((unsigned char)s.p[i] == 0xC2 && (unsigned char)s.p[i + 1] < 0xA0)
            return true;
    }
    return false;
}

static void add_quoted_byte(struct buf *b, unsigned char c, bool is_json, bool is_utf8)
{
    if (c == '"' || c == '\\')
        buf_printf(b, "\\%c", c);
    else if (c == '\n')
        buf_text(b, "\\n");
    else if (c == '\t')
        buf_text(b, "\\t");
    else if (c == '\r')
        buf_text(b, "\\r");
    else if (c < ' ' || c == 0x7F || (c >= 0x80 && !is_utf8))
        buf_printf(b, is_json ? "\\u%04x" : "\\x%02x", c);
    else
        buf_char(b, (char)c);
}

static void add_quoted(struct buf *b, struct str s, bool is_json)
{
    bool is_utf8 = str_is_utf8(s);
    buf_char(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool is_c1 = c == 0xC2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xA0;
        if (is_c1 && is_utf8)
            buf_printf(b, "\\u00%02x", (unsigned char)s.p[++i]);
        else
            add_quoted_byte(b, c, is_json, is_utf8);
    }
    buf_char(b, '"');
}

static void add_time(struct buf *b)
{
    struct timeval now;
    gettimeofday(&now, NULL);
    struct tm tm;
    localtime_r(&now.tv_sec, &tm);
    long offset = tm.tm_gmtoff / 60;
    buf_printf(
        b, "%04d-%02d-%02dT%02d:%02d:%02d.%03d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
        tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(now.tv_usec / 1000));
    if (offset == 0)
        buf_char(b, 'Z');
    else
        buf_printf(
            b, "%c%02ld:%02ld", offset < 0 ? '-' : '+', labs(offset) / 60, labs(offset) % 60);
}

static void add_text_field(struct buf *b, const char *key, struct str value)
{
    buf_char(b, ' ');
    buf_text(b, key);
    buf_char(b, '=');
    if (needs_quotes(value))
        add_quoted(b, value, false);
    else
        buf_str(b, value);
}

static void add_json_field(struct buf *b, const char *key, struct str value)
{
    buf_printf(b, ",\"%s\":", key);
    add_quoted(b, value, true);
}

void log_add_line(
    struct buf *to, enum log_level level, const char *msg, const struct log_field *fields, size_t n)
{
    bool is_json = settings.format == LOG_FORMAT_JSON;
    buf_text(to, is_json ? "{\"time\":\"" : "time=");
    add_time(to);
    buf_printf(to, is_json ? "\",\"level\":\"%s\"" : " level=%s", names[level]);
    void (*add)(struct buf *, const char *, struct str) = is_json ? add_json_field : add_text_field;
    add(to, "msg", str_from(msg));
    for (size_t i = 0; i < n; i++)
        add(to, fields[i].key, str_take(fields[i].value, 8 << 10));
    buf_text(to, is_json ? "}\n" : "\n");
}

void log_write(struct buf *lines)
{
    /* A log that cannot be written must not stop the service: the result is of no use here. */
    ssize_t ignored = write(settings.fd, lines->p, lines->n);
    (void)ignored;
}

void log_fields(enum log_level level, const char *msg, const struct log_field *fields, size_t n)
{
    if (!log_is_on(level))
        return;
    autobuf struct buf b;
    buf_init(&b, LINE_MAX_BYTES);
    log_add_line(&b, level, msg, fields, n);
    log_write(&b);
}
