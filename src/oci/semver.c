#include "oci/semver.h"
#include "oci/digest.h"

#define NUMBER_MAX ((uint64_t)1 << 53)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* --- versions --------------------------------------------------------------------------------------- */

/* Section 2: no leading zeros. */
static bool read_number(struct str text, uint64_t *ret)
{
    if (text.n == 0 || !is_digit(text.p[0]) || (text.n > 1 && text.p[0] == '0'))
        return false;
    return str_to_u64(text, ret) && *ret <= NUMBER_MAX;
}

static bool is_numeric(struct str identifier)
{
    for (size_t i = 0; i < identifier.n; i++) {
        if (!is_digit(identifier.p[i]))
            return false;
    }
    return true;
}

/* Sections 9 and 10: dot separated, [0-9A-Za-z-]+; a number of a pre-release has no leading zeros. */
static bool is_identifiers(struct str text, bool is_prerelease)
{
    while (text.p != NULL) {
        struct str part = str_cut(&text, '.');
        for (size_t i = 0; i < part.n; i++) {
            if (!is_digit(part.p[i]) && !is_letter(part.p[i]) && part.p[i] != '-')
                return false;
        }
        bool has_zero = part.n > 1 && part.p[0] == '0' && is_numeric(part);
        if (part.n == 0 || (is_prerelease && has_zero))
            return false;
    }
    return true;
}

static struct str without_v(struct str text)
{
    bool has_v = text.n > 1 && (text.p[0] == 'v' || text.p[0] == 'V') && is_digit(text.p[1]);
    return has_v ? str_skip(text, 1) : text;
}

/* Cut "-prerelease" and "+build" off the end of *core. */
static bool take_suffixes(struct str *core, struct oci_semver *v)
{
    ptrdiff_t plus = str_find(*core, '+');
    if (plus < 0)
        plus = str_find(*core, '_');
    if (plus >= 0) {
        v->build = str_skip(*core, (size_t)plus + 1);
        *core = str_take(*core, (size_t)plus);
        if (!is_identifiers(v->build, false))
            return false;
    }
    ptrdiff_t dash = str_find(*core, '-');
    if (dash < 0)
        return true;
    v->prerelease = str_skip(*core, (size_t)dash + 1);
    *core = str_take(*core, (size_t)dash);
    return is_identifiers(v->prerelease, true);
}

bool oci_semver_parse(struct str text, struct oci_semver *ret)
{
    struct oci_semver v = {0};
    struct str core = without_v(text);
    if (!take_suffixes(&core, &v))
        return false;
    struct str major = str_cut(&core, '.');
    struct str minor = str_cut(&core, '.');
    if (core.p == NULL || !read_number(major, &v.major) || !read_number(minor, &v.minor) ||
        !read_number(core, &v.patch))
        return false;
    *ret = v;
    return true;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* Section 11.4: numbers by value and before texts; numbers may be of any length. */
static int compare_identifiers(struct str a, struct str b)
{
    bool is_a = is_numeric(a), is_b = is_numeric(b);
    if (is_a != is_b)
        return is_a ? -1 : 1;
    if (is_a && a.n != b.n)
        return compare_numbers(a.n, b.n);
    return str_cmp(a, b);
}

static int compare_prereleases(struct str a, struct str b)
{
    if (a.n == 0 || b.n == 0) /* 11.3: a release is above its pre-releases */
        return (a.n == 0) - (b.n == 0);
    while (a.p != NULL && b.p != NULL) {
        int order = compare_identifiers(str_cut(&a, '.'), str_cut(&b, '.'));
        if (order != 0)
            return order;
    }
    return (a.p != NULL) - (b.p != NULL); /* 11.4.4: more of them are above fewer */
}

int oci_semver_compare(const struct oci_semver *a, const struct oci_semver *b)
{
    int order = compare_numbers(a->major, b->major);
    if (order == 0)
        order = compare_numbers(a->minor, b->minor);
    if (order == 0)
        order = compare_numbers(a->patch, b->patch);
    return order != 0 ? order : compare_prereleases(a->prerelease, b->prerelease);
}

/* --- ranges ----------------------------------------------------------------------------------------- */

/* A version of which the end may be missing or a wildcard. */
struct partial {
    struct oci_semver version;
    unsigned parts; /* how many numbers it has: 0 to 3 */
};

static bool is_wild(struct str part)
{
    return str_eqz(part, "x") || str_eqz(part, "X") || str_eqz(part, "*");
}

static bool read_partial(struct str text, struct partial *ret)
{
    struct partial p = {0};
    struct str core = without_v(text);
    uint64_t *numbers[] = {&p.version.major, &p.version.minor, &p.version.patch};
    bool is_open = false;
    if (core.n == 0 || !take_suffixes(&core, &p.version))
        return false;
    for (size_t i = 0; core.p != NULL; i++) {
        struct str part = str_cut(&core, '.');
        if (i == ARRAY_LEN(numbers))
            return false;
        is_open = is_open || is_wild(part);
        if (is_open ? !is_wild(part) : !read_number(part, numbers[i]))
            return false;
        p.parts += !is_open;
    }
    if (p.parts < 3 && (p.version.prerelease.n > 0 || p.version.build.n > 0))
        return false;
    *ret = p;
    return true;
}

/* The first version behind all that start with these numbers: as a pre-release of its own, so that
 * none of those is taken in. */
static struct oci_semver bound_above(const struct oci_semver *v, unsigned parts)
{
    struct oci_semver next = {.major = v->major, .prerelease = STR("0")};
    if (parts == 1) {
        next.major++;
        return next;
    }
    next.minor = v->minor + (parts == 2);
    next.patch = parts == 3 ? v->patch + 1 : 0;
    return next;
}

/* ^: up to the next change of the first number that is not zero. */
static unsigned caret_parts(const struct partial *p)
{
    if (p->version.major > 0 || p->parts == 1)
        return 1;
    return p->version.minor > 0 || p->parts == 2 ? 2 : 3;
}

static void
add_term(struct oci_semver_range *r, enum oci_semver_op op, const struct oci_semver *version)
{
    if (r->count < OCI_SEMVER_TERMS_MAX)
        r->terms[r->count] = (struct oci_semver_term){op, *version, r->group_count - 1};
    r->count++;
}

static void add_span(struct oci_semver_range *r, const struct partial *p, unsigned parts)
{
    struct oci_semver end = bound_above(&p->version, parts);
    add_term(r, OCI_SEMVER_GE, &p->version);
    add_term(r, OCI_SEMVER_LT, &end);
}

/* Not str_trim: a line break has no place in a range. */
static struct str trim_blanks(struct str s)
{
    while (s.n > 0 && s.p[0] == ' ')
        s = str_skip(s, 1);
    while (s.n > 0 && s.p[s.n - 1] == ' ')
        s.n--;
    return s;
}

static struct str take_operator(struct str *text)
{
    static const struct str OPERATORS[] = {{">=", 2}, {"<=", 2}, {"!=", 2}, {"==", 2}, {">", 1},
                                           {"<", 1},  {"=", 1},  {"~", 1},  {"^", 1}};
    for (size_t i = 0; i < ARRAY_LEN(OPERATORS); i++) {
        if (str_starts(*text, OPERATORS[i])) {
            *text = trim_blanks(str_skip(*text, OPERATORS[i].n));
            return OPERATORS[i];
        }
    }
    return STR("");
}

/* What an operator makes of a version with all its numbers, and of one that stands for many. */
static bool add_comparison(struct oci_semver_range *r, struct str op, const struct partial *p)
{
    struct oci_semver behind = bound_above(&p->version, p->parts);
    struct oci_semver start = p->version;
    bool is_whole = p->parts == 3;
    if (!is_whole)
        start.prerelease = STR("0");
    if (str_eqz(op, ">="))
        add_term(r, OCI_SEMVER_GE, &p->version);
    else if (str_eqz(op, ">"))
        add_term(r, is_whole ? OCI_SEMVER_GT : OCI_SEMVER_GE, is_whole ? &p->version : &behind);
    else if (str_eqz(op, "<"))
        add_term(r, OCI_SEMVER_LT, &start);
    else if (str_eqz(op, "<="))
        add_term(r, is_whole ? OCI_SEMVER_LE : OCI_SEMVER_LT, is_whole ? &p->version : &behind);
    else if (str_eqz(op, "!=") && is_whole)
        add_term(r, OCI_SEMVER_NE, &p->version);
    else
        return false;
    return true;
}

static bool add_comparator(struct oci_semver_range *r, struct str text)
{
    struct partial p;
    struct str op = take_operator(&text);
    if (!read_partial(text, &p))
        return false;
    if (p.version.prerelease.n > 0)
        r->prerelease_groups |= (uint32_t)1 << (r->group_count - 1);
    bool is_equal = op.n == 0 || op.p[0] == '=';
    if (p.parts == 0) {
        add_term(r, OCI_SEMVER_GE, &p.version);
        return is_equal || str_eqz(op, ">=");
    }
    if (is_equal && p.parts == 3)
        add_term(r, OCI_SEMVER_EQ, &p.version);
    else if (is_equal)
        add_span(r, &p, p.parts);
    else if (op.p[0] == '~')
        add_span(r, &p, p.parts == 1 ? 1 : 2);
    else if (op.p[0] == '^')
        add_span(r, &p, caret_parts(&p));
    else
        return add_comparison(r, op, &p);
    return true;
}

static bool is_separator(char c)
{
    return c == ' ' || c == ',';
}

/* The next comparator; blanks may stand between its operator and its version. */
static struct str take_comparator(struct str *rest)
{
    size_t n = 0;
    while (n < rest->n && memchr("<>=!~^ ", rest->p[n], 7) != NULL)
        n++;
    while (n < rest->n && !is_separator(rest->p[n]))
        n++;
    struct str comparator = str_take(*rest, n);
    *rest = str_skip(*rest, n);
    while (rest->n > 0 && is_separator(rest->p[0]))
        *rest = str_skip(*rest, 1);
    return comparator;
}

static bool add_group(struct oci_semver_range *r, struct str set)
{
    set = trim_blanks(set);
    r->group_count++;
    if (set.n == 0)
        return false;
    while (set.n > 0) {
        if (r->count >= OCI_SEMVER_TERMS_MAX || !add_comparator(r, take_comparator(&set)))
            return false;
    }
    return r->count <= OCI_SEMVER_TERMS_MAX;
}

enum err_kind oci_semver_range_parse(struct str text, struct oci_semver_range *ret, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    struct oci_semver_range range = {0};
    struct str rest = text;
    bool is_good = true;
    while (is_good && rest.p != NULL) {
        ptrdiff_t bar = str_search(rest, STR("||"));
        struct str set = bar < 0 ? rest : str_take(rest, (size_t)bar);
        is_good = add_group(&range, set);
        rest = bar < 0 ? str_of(NULL, 0) : str_skip(rest, (size_t)bar + 2);
    }
    if (!is_good || range.count == 0)
        return err_set(
            err, ERR_INVALID,
            "'%s' is not a version range: as ~1.2, ^1.2.3, 1.x, '>=1.2 <2' or '~1.2 || ~2.0'",
            oci_show(text, shown));
    *ret = range;
    return ERR_OK;
}

bool oci_semver_is_wildcard(struct str text)
{
    struct partial p;
    return read_partial(text, &p) && p.parts > 0 && p.parts < 3 &&
        is_wild(str_skip(text, text.n - 1));
}

/* --- asking ----------------------------------------------------------------------------------------- */

static bool term_holds(const struct oci_semver_term *t, const struct oci_semver *version)
{
    int order = oci_semver_compare(version, &t->version);
    switch (t->op) {
    case OCI_SEMVER_EQ:
        return order == 0;
    case OCI_SEMVER_NE:
        return order != 0;
    case OCI_SEMVER_LT:
        return order < 0;
    case OCI_SEMVER_LE:
        return order <= 0;
    case OCI_SEMVER_GT:
        return order > 0;
    case OCI_SEMVER_GE:
        return order >= 0;
    }
    return false;
}

static bool
group_holds(const struct oci_semver_range *range, unsigned group, const struct oci_semver *version)
{
    bool takes_prereleases = (range->prerelease_groups >> group & 1) != 0;
    if (version->prerelease.n > 0 && !takes_prereleases)
        return false;
    for (size_t i = 0; i < range->count; i++) {
        if (range->terms[i].group == group && !term_holds(&range->terms[i], version))
            return false;
    }
    return true;
}

bool oci_semver_range_holds(const struct oci_semver_range *range, const struct oci_semver *version)
{
    for (unsigned group = 0; group < range->group_count; group++) {
        if (group_holds(range, group, version))
            return true;
    }
    return false;
}

int oci_semver_compare_tags(struct str a, struct str b)
{
    struct oci_semver va, vb;
    bool is_a = oci_semver_parse(a, &va), is_b = oci_semver_parse(b, &vb);
    int order = is_a - is_b;
    if (order == 0 && is_a)
        order = oci_semver_compare(&va, &vb);
    if (order == 0 && is_a)
        order = (va.build.n == 0) - (vb.build.n == 0);
    if (order == 0 && is_a)
        order = is_digit(a.p[0]) - is_digit(b.p[0]);
    return order != 0 ? order : str_cmp(a, b);
}
