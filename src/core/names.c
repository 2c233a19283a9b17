#include "core/names.h"

static const size_t NAME_MAX_BYTES = 253;

static bool is_allowed(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
        c >= 0x80 || (c != '\0' && strchr("-_.,@+=~", c) != NULL);
}

/* C1 controls and the direction and joining marks that make two names look the same, or one file look
 * like .git to a case-folding file system: U+0080..9F, U+00AD, U+200B..F, U+2028..E, U+2060..F,
 * U+FEFF. */
static bool has_invisible(struct str s)
{
    for (size_t i = 0; i + 1 < s.n; i++) {
        unsigned char a = (unsigned char)s.p[i];
        unsigned char b = (unsigned char)s.p[i + 1];
        unsigned char c = i + 2 < s.n ? (unsigned char)s.p[i + 2] : 0;
        if (a == 0xC2 && (b < 0xA0 || b == 0xAD))
            return true;
        if (a == 0xE2 && b == 0x80 && (c >= 0xA8 ? c <= 0xAE : c >= 0x8B))
            return true;
        if (a == 0xE2 && b == 0x81 && c >= 0xA0 && c <= 0xAF)
            return true;
        if (a == 0xEF && b == 0xBB && c == 0xBF)
            return true;
    }
    return false;
}

static const char *what_is_wrong(struct str s)
{
    if (s.n == 0)
        return "it is empty";
    if (s.n > NAME_MAX_BYTES)
        return "it is longer than 253 bytes";
    if (!str_is_utf8(s))
        return "it is not UTF-8";
    if (s.p[0] == '.' || s.p[0] == '-')
        return "it starts with '.' or '-'";
    if (s.p[s.n - 1] == '.')
        return "it ends with '.'";
    for (size_t i = 0; i < s.n; i++) {
        if (!is_allowed((unsigned char)s.p[i]))
            return "only letters, digits and -_.,@+=~ may be in it";
    }
    return has_invisible(s) ? "it holds an invisible character" : NULL;
}

/* What a client sent is shown only where it can do no harm in a terminal or log. */
static struct str shown(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < ' ' || (unsigned char)s.p[i] >= 0x7F)
            return STR("…");
    }
    return str_take(s, 64);
}

enum err_kind core_names_check_namespace(struct str ns, struct err *err)
{
    const char *wrong = what_is_wrong(ns);
    if (wrong == NULL)
        return ERR_OK;
    if (str_eqz(ns, "*"))
        return err_set(
            err, ERR_INVALID,
            "invalid namespace '*': GET /apis/GROUP/VERSION/PLURAL lists all namespaces "
            "(cup get -A)");
    return err_set(
        err, ERR_INVALID, "invalid namespace '" STR_FMT "': %s", STR_ARG(shown(ns)), wrong);
}

enum err_kind core_names_check_name(struct str name, struct err *err)
{
    const char *wrong = what_is_wrong(name);
    if (wrong == NULL)
        return ERR_OK;
    return err_set(err, ERR_INVALID, "invalid name '" STR_FMT "': %s", STR_ARG(shown(name)), wrong);
}
