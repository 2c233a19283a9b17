#include "base/units.h"

#include <stdio.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct str cut_digits(struct str *s)
{
    size_t n = 0;
    while (n < s->n && is_digit(s->p[n]))
        n++;
    struct str digits = str_take(*s, n);
    *s = str_skip(*s, n);
    return digits;
}

static enum err_kind bad_size(struct str text, struct err *err)
{
    return err_set(
        err, ERR_MALFORMED, "'" STR_FMT "' is not a size: write a number and B, KiB, MiB or GiB",
        STR_ARG(text));
}

static bool size_shift(struct str unit, unsigned *ret_shift)
{
    static const struct {
        const char *name;
        unsigned shift;
    } units[] = {
        {"", 0},    {"B", 0},    {"K", 10},  {"Ki", 10}, {"KiB", 10}, {"KB", 10},  {"M", 20},
        {"Mi", 20}, {"MiB", 20}, {"MB", 20}, {"G", 30},  {"Gi", 30},  {"GiB", 30}, {"GB", 30},
    };
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (str_eqz(unit, units[i].name)) {
            *ret_shift = units[i].shift;
            return true;
        }
    }
    return false;
}

enum err_kind units_parse_size(struct str text, uint64_t *ret_bytes, struct err *err)
{
    struct str rest = text;
    uint64_t value;
    unsigned shift;
    if (!str_to_u64(cut_digits(&rest), &value) || !size_shift(str_trim(rest), &shift))
        return bad_size(text, err);
    if (shift > 0 && value > UINT64_MAX >> shift)
        return bad_size(text, err);
    *ret_bytes = value << shift;
    return ERR_OK;
}

static bool duration_unit(struct str *rest, double *ret_ms)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (str_starts(*rest, str_from(units[i].name))) {
            *rest = str_skip(*rest, strlen(units[i].name));
            *ret_ms = units[i].ms;
            return true;
        }
    }
    return false;
}

static bool duration_part(struct str *rest, double *total_ms)
{
    struct str whole = cut_digits(rest);
    uint64_t value;
    if (!str_to_u64(whole, &value))
        return false;
    double number = (double)value;
    if (rest->n > 0 && rest->p[0] == '.') {
        *rest = str_skip(*rest, 1);
        struct str digits = cut_digits(rest);
        uint64_t part;
        if (digits.n > 9 || !str_to_u64(digits, &part))
            return false;
        double scale = 1;
        for (size_t i = 0; i < digits.n; i++)
            scale *= 10;
        number += (double)part / scale;
    }
    double unit_ms;
    if (!duration_unit(rest, &unit_ms))
        return false;
    *total_ms += number * unit_ms;
    return true;
}

enum err_kind units_parse_duration(struct str text, int64_t *ret_ms, struct err *err)
{
    static const double MAX_MS = 1000.0 * 3600 * 24 * 366 * 100;
    struct str rest = text;
    double total_ms = 0;
    if (str_eqz(text, "0")) {
        *ret_ms = 0;
        return ERR_OK;
    }
    bool is_good = text.n > 0;
    while (is_good && rest.n > 0)
        is_good = duration_part(&rest, &total_ms);
    if (!is_good || total_ms > MAX_MS)
        return err_set(
            err, ERR_MALFORMED,
            "'" STR_FMT "' is not a duration: write for example 500ms, 10s or 5m", STR_ARG(text));
    *ret_ms = (int64_t)total_ms;
    return ERR_OK;
}

void units_format_size(uint64_t bytes, char *ret, size_t ret_bytes)
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t i = 0;
    while (value >= 1024 && i + 1 < ARRAY_LEN(names)) {
        value /= 1024;
        i++;
    }
    snprintf(ret, ret_bytes, i == 0 ? "%.0f %s" : "%.1f %s", value, names[i]);
}
