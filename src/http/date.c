#include "http/date.h"

#include <time.h>

/* What is read of a date; fields as in struct tm. */
struct date {
    struct str at; /* what is left of the text */
    bool is_bad;
    struct tm tm;
};

static void take_literal(struct date *d, struct str literal)
{
    d->is_bad |= !str_starts(d->at, literal);
    d->at = str_skip(d->at, literal.n);
}

/* Exactly `digits` of them; for asctime's day the first may be a blank. */
static int take_number(struct date *d, size_t digits, bool takes_blank)
{
    struct str text = str_take(d->at, digits);
    uint64_t value = 0;
    if (takes_blank && text.n > 0 && text.p[0] == ' ')
        text = str_skip(text, 1);
    d->is_bad |= d->at.n < digits || !str_to_u64(text, &value);
    d->at = str_skip(d->at, digits);
    return (int)value;
}

static int take_month(struct date *d)
{
    static const struct str NAMES = {"JanFebMarAprMayJunJulAugSepOctNovDec", 36};
    struct str name = str_take(d->at, 3);
    d->at = str_skip(d->at, 3);
    for (int month = 0; month < 12; month++) {
        if (str_eq(name, str_take(str_skip(NAMES, (size_t)month * 3), 3)))
            return month;
    }
    d->is_bad = true;
    return 0;
}

static void take_time(struct date *d)
{
    d->tm.tm_hour = take_number(d, 2, false);
    take_literal(d, STR(":"));
    d->tm.tm_min = take_number(d, 2, false);
    take_literal(d, STR(":"));
    d->tm.tm_sec = take_number(d, 2, false);
}

/* "06 Nov 1994 08:49:37 GMT" behind the day's name */
static void take_fixdate(struct date *d)
{
    d->tm.tm_mday = take_number(d, 2, false);
    take_literal(d, STR(" "));
    d->tm.tm_mon = take_month(d);
    take_literal(d, STR(" "));
    d->tm.tm_year = take_number(d, 4, false) - 1900;
    take_literal(d, STR(" "));
    take_time(d);
    take_literal(d, STR(" GMT"));
}

/* "06-Nov-94 08:49:37 GMT": the century is the one that is nearest. */
static void take_rfc850(struct date *d, int64_t now_unix_s)
{
    time_t now = (time_t)now_unix_s;
    struct tm today = {0};
    gmtime_r(&now, &today);
    d->tm.tm_mday = take_number(d, 2, false);
    take_literal(d, STR("-"));
    d->tm.tm_mon = take_month(d);
    take_literal(d, STR("-"));
    d->tm.tm_year = take_number(d, 2, false) + today.tm_year / 100 * 100;
    d->tm.tm_year -= d->tm.tm_year > today.tm_year + 50 ? 100 : 0;
    take_literal(d, STR(" "));
    take_time(d);
    take_literal(d, STR(" GMT"));
}

/* "Nov  6 08:49:37 1994" */
static void take_asctime(struct date *d)
{
    d->tm.tm_mon = take_month(d);
    take_literal(d, STR(" "));
    d->tm.tm_mday = take_number(d, 2, true);
    take_literal(d, STR(" "));
    take_time(d);
    take_literal(d, STR(" "));
    d->tm.tm_year = take_number(d, 4, false) - 1900;
}

static bool is_in_range(const struct tm *tm)
{
    return tm->tm_mday >= 1 && tm->tm_mday <= 31 && tm->tm_hour <= 23 && tm->tm_min <= 59 &&
        tm->tm_sec <= 60;
}

bool http_date_parse(struct str text, int64_t now_unix_s, int64_t *ret_unix_s)
{
    struct date d = {.at = text};
    ptrdiff_t comma = str_find(text, ',');
    if (comma >= 0) {
        d.at = str_skip(text, (size_t)comma + 1);
        take_literal(&d, STR(" "));
        if (str_find(d.at, '-') >= 0)
            take_rfc850(&d, now_unix_s);
        else
            take_fixdate(&d);
    } else {
        d.at = str_skip(text, 3);
        take_literal(&d, STR(" "));
        take_asctime(&d);
    }
    if (d.is_bad || d.at.n > 0 || !is_in_range(&d.tm))
        return false;
    *ret_unix_s = timegm(&d.tm);
    return true;
}
