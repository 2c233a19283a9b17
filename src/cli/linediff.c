#include "cli/linediff.h"
#include "base/mem.h"

#define CONTEXT 3
/* Above that many lines in the changed middle it is shown as replaced: the table below would need
 * their square. */
#define MIDDLE_MAX 4000

struct lines {
    struct str *items;
    size_t count;
    size_t cap;
};

struct diff {
    struct lines old;
    struct lines new;
    bool *is_gone;  /* of each old line */
    bool *is_added; /* of each new line */
};

static void split(struct str text, struct lines *ret)
{
    while (text.n > 0) {
        mem_grow(&ret->items, ret->count, &ret->cap);
        ret->items[ret->count++] = str_cut(&text, '\n');
    }
}

static bool is_same(const struct diff *d, size_t i, size_t j)
{
    return str_eq(d->old.items[i], d->new.items[j]);
}

/* Longest common subsequence of old[from, from + n) and new[from, from + m), by the table of lengths
 * from the end. */
static void mark_middle(struct diff *d, size_t from, size_t n, size_t m)
{
    uint16_t *length = mem_alloc((n + 1) * (m + 1) * sizeof(*length));
    for (size_t i = n; i-- > 0;) {
        for (size_t j = m; j-- > 0;) {
            uint16_t down = length[(i + 1) * (m + 1) + j];
            uint16_t right = length[i * (m + 1) + j + 1];
            uint16_t both = (uint16_t)(length[(i + 1) * (m + 1) + j + 1] + 1);
            length[i * (m + 1) + j] = is_same(d, from + i, from + j) ? both
                : down > right                                       ? down
                                                                     : right;
        }
    }
    size_t i = 0;
    size_t j = 0;
    while (i < n && j < m) {
        if (is_same(d, from + i, from + j)) {
            i++;
            j++;
        } else if (length[(i + 1) * (m + 1) + j] >= length[i * (m + 1) + j + 1]) {
            d->is_gone[from + i++] = true;
        } else {
            d->is_added[from + j++] = true;
        }
    }
    memset(d->is_gone + from + i, true, n - i);
    memset(d->is_added + from + j, true, m - j);
    free(length);
}

static void mark(struct diff *d)
{
    size_t n = d->old.count;
    size_t m = d->new.count;
    size_t from = 0;
    while (from < n && from < m && is_same(d, from, from))
        from++;
    while (n > from && m > from && is_same(d, n - 1, m - 1)) {
        n--;
        m--;
    }
    if (n - from <= MIDDLE_MAX && m - from <= MIDDLE_MAX) {
        mark_middle(d, from, n - from, m - from);
        return;
    }
    memset(d->is_gone + from, true, n - from);
    memset(d->is_added + from, true, m - from);
}

/* A walk over both texts at once: old line i and new line j are next. */
struct walk {
    size_t i;
    size_t j;
};

static bool at_end(const struct diff *d, struct walk w)
{
    return w.i == d->old.count && w.j == d->new.count;
}

static bool at_change(const struct diff *d, struct walk w)
{
    return (w.i < d->old.count && d->is_gone[w.i]) || (w.j < d->new.count && d->is_added[w.j]);
}

/* One line further; what is gone comes before what is added. Writes it unless `to` is NULL. */
static struct walk step(const struct diff *d, struct walk w, struct buf *to)
{
    bool is_gone = w.i < d->old.count && d->is_gone[w.i];
    bool is_added = !is_gone && w.j < d->new.count && d->is_added[w.j];
    struct str line = is_added ? d->new.items[w.j] : d->old.items[w.i];
    if (to != NULL)
        buf_printf(to, "%c" STR_FMT "\n", is_gone ? '-' : is_added ? '+' : ' ', STR_ARG(line));
    w.i += !is_added;
    w.j += !is_gone;
    return w;
}

/* Where the hunk ends that has its first change at w: behind the last change that is followed by more
 * than two contexts of equal lines, plus one context. */
static struct walk hunk_end(const struct diff *d, struct walk w)
{
    struct walk end = w;
    size_t equal = 0;
    while (!at_end(d, w) && equal <= 2 * (size_t)CONTEXT) {
        bool is_change = at_change(d, w);
        equal = is_change ? 0 : equal + 1;
        w = step(d, w, NULL);
        if (is_change || equal <= CONTEXT)
            end = w;
    }
    return end;
}

/* POSIX diff -u: "start,count"; the line before an empty range. */
static void write_range(struct buf *to, char sign, size_t start, size_t count)
{
    buf_printf(to, "%c%zu", sign, count == 0 ? start : start + 1);
    if (count != 1)
        buf_printf(to, ",%zu", count);
}

static struct walk write_hunk(const struct diff *d, struct walk w, struct buf *to)
{
    struct walk end = hunk_end(d, w);
    for (size_t back = 0; back < CONTEXT && w.i > 0 && w.j > 0; back++) {
        w.i--;
        w.j--;
    }
    buf_text(to, "@@ ");
    write_range(to, '-', w.i, end.i - w.i);
    buf_char(to, ' ');
    write_range(to, '+', w.j, end.j - w.j);
    buf_text(to, " @@\n");
    while (w.i < end.i || w.j < end.j)
        w = step(d, w, to);
    return w;
}

void cli_linediff(
    struct buf *to, const char *old_name, struct str old, const char *new_name, struct str new)
{
    if (str_eq(old, new))
        return;
    struct diff d = {0};
    split(old, &d.old);
    split(new, &d.new);
    d.is_gone = mem_alloc(d.old.count + 1);
    d.is_added = mem_alloc(d.new.count + 1);
    mark(&d);
    buf_printf(to, "--- %s\n+++ %s\n", old_name, new_name);
    for (struct walk w = {0}; !at_end(&d, w);)
        w = at_change(&d, w) ? write_hunk(&d, w, to) : step(&d, w, NULL);
    free(d.old.items);
    free(d.new.items);
    free(d.is_gone);
    free(d.is_added);
}
