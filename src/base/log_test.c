#include "base/fs.h"
#include "base/log.h"
#include "base/testing.h"

#include <unistd.h>

static void read_line(int fd, char *to, size_t n)
{
    ssize_t got = read(fd, to, n - 1);
    assert_true(got > 0);
    to[got] = '\0';
}

static void test_log_line__cannot_be_forged(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    log_setup(fds[1], LOG_FORMAT_TEXT, LOG_DEBUG);
    log_line(
        LOG_INFO, "request started", LOG_FIELD("uri", "/x\r\ntime=forged level=ERROR"),
        LOG_FIELD("plain", "value"), LOG_FIELD("empty", ""), LOG_FIELD("esc", "\x1b[31m"));
    char line[1024];
    read_line(fds[0], line, sizeof(line));
    assert_non_null(strstr(
        line,
        " level=INFO msg=\"request started\" uri=\"/x\\r\\ntime=forged level=ERROR\" plain=value "
        "empty=\"\" esc=\"\\x1b[31m\"\n"));
    log_setup(fds[1], LOG_FORMAT_JSON, LOG_WARN);
    log_line(LOG_INFO, "not written", LOG_FIELD("a", "b"));
    log_line(LOG_WARN, "quote", LOG_FIELD("a", "\"\\\n\xFF"));
    read_line(fds[0], line, sizeof(line));
    assert_non_null(
        strstr(line, "\"level\":\"WARN\",\"msg\":\"quote\",\"a\":\"\\\"\\\\\\n\\u00ff\"}\n"));
    assert_null(strstr(line, "not written"));
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_log_line__cannot_be_forged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
