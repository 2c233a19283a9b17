#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t now_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t now_us(clockid_t id)
{
    return now_ns(id) / 1000;
}

int64_t clock_unix_ms(void)
{
    return now_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_monotonic_ms(void)
{
    return now_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_monotonic_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

int64_t clock_monotonic_ns(void)
{
    return now_ns(CLOCK_MONOTONIC);
}

void clock_rfc3339(int64_t unix_s, char ret_text[CLOCK_RFC3339_BYTES])
{
    time_t t = (time_t)unix_s;
    struct tm tm;
    gmtime_r(&t, &tm);
    if (strftime(ret_text, CLOCK_RFC3339_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        ret_text[0] = '\0';
}
