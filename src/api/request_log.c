#include "api/request_log.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>

#define COMMON_FIELDS 6
static const size_t LINES_MAX = (size_t)128 << 10;

static char *uri_of(const struct http_request *q)
{
    struct str host = http_header(q, "Host");
    return mem_printf(
        "http://" STR_FMT STR_FMT, STR_ARG(str_take(host, 256)),
        STR_ARG(str_take(q->target, 4096)));
}

static void common(const struct http_request *q, const char *uri, struct log_field *to)
{
    struct str agent = http_header(q, "User-Agent");
    const struct log_field fields[COMMON_FIELDS] = {
        LOG_FIELD("http_scheme", "http"),
        LOG_FIELD_STR("http_proto", q->protocol),
        LOG_FIELD_STR("http_method", q->method),
        LOG_FIELD_STR("remote_addr", q->remote_addr),
        LOG_FIELD_STR("user_agent", agent.p == NULL ? STR("") : str_take(agent, 256)),
        LOG_FIELD("uri", uri),
    };
    memcpy(to, fields, sizeof(fields));
}

void request_log_start(void *context, const struct http_request *q)
{
    struct log_field fields[COMMON_FIELDS];
    (void)context;
    if (!log_is_on(LOG_INFO))
        return;
    autofree char *uri = uri_of(q);
    common(q, uri, fields);
    log_fields(LOG_INFO, "request started", fields, ARRAY_LEN(fields));
}

void request_log_end(
    void *context,
    const struct http_request *q,
    bool is_started,
    int status,
    size_t bytes,
    int64_t elapsed_us)
{
    struct log_field fields[COMMON_FIELDS + 3];
    char numbers[3][32];
    (void)context;
    if (!log_is_on(LOG_INFO))
        return;
    autofree char *uri = uri_of(q);
    common(q, uri, fields);
    snprintf(numbers[0], sizeof(numbers[0]), "%d", status);
    snprintf(numbers[1], sizeof(numbers[1]), "%zu", bytes);
    snprintf(numbers[2], sizeof(numbers[2]), "%.3f", (double)elapsed_us / 1000);
    fields[COMMON_FIELDS] = LOG_FIELD("resp_status", numbers[0]);
    fields[COMMON_FIELDS + 1] = LOG_FIELD("resp_byte_length", numbers[1]);
    fields[COMMON_FIELDS + 2] = LOG_FIELD("resp_elapsed_ms", numbers[2]);
    autobuf struct buf lines;
    buf_init(&lines, LINES_MAX);
    if (!is_started)
        log_add_line(&lines, LOG_INFO, "request started", fields, COMMON_FIELDS);
    log_add_line(&lines, LOG_INFO, "request complete", fields, ARRAY_LEN(fields));
    log_write(&lines);
}
