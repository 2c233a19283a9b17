#include "cli/profile.h"
#include "base/mem.h"
#include "cli/output.h"
#include "cli/run.h"
#include "cli/table.h"

#include <inttypes.h>
#include <stddef.h>

/* Microseconds with one digit behind the point. */
static char *show_us(uint64_t ns)
{
    return mem_printf("%" PRIu64 ".%" PRIu64, ns / 1000, ns % 1000 / 100);
}

static void
add_row(struct cli_table *t, const char *what, const char *count, uint64_t ns, const char *bytes)
{
    autofree char *time = show_us(ns);
    const struct str cells[] = {str_from(what), str_from(count), str_from(time), str_from(bytes)};
    cli_table_row(t, cells);
}

static int slowest_first(const void *a, const void *b)
{
    const struct wasmhost_profile_row *x = a, *y = b;
    if (x->ns != y->ns)
        return x->ns < y->ns ? 1 : -1;
    return strcmp(x->name, y->name);
}

static uint64_t guest_ns(const struct wasmhost_profile *p)
{
    return p->run_ns > p->host_ns ? p->run_ns - p->host_ns : 0;
}

static void add_functions(struct cli_table *t, const struct wasmhost_profile *p)
{
    for (size_t i = 0; i < p->row_count; i++) {
        const struct wasmhost_profile_row *row = &p->rows[i];
        autofree char *name = mem_printf("  %s", row->name);
        autofree char *count = mem_printf("%" PRIu64, row->count);
        autofree char *bytes =
            row->bytes == 0 ? mem_strdup("-") : mem_printf("%" PRIu64, row->bytes);
        add_row(t, name, count, row->ns, bytes);
    }
}

static void print_table(struct cli *c, const struct wasmhost_profile *p, uint64_t total_ns)
{
    auto_table struct cli_table t;
    autofree char *memory = mem_printf("%" PRIu64, p->memory_bytes);
    cli_table_init(&t, (const char *const[]){"WHERE", "CALLS", "MICROSECONDS", "BYTES", NULL});
    add_row(&t, "whole call", "1", total_ns, "-");
    add_row(&t, "instantiate", "1", p->instantiate_ns, "-");
    add_row(&t, "guest", "1", guest_ns(p), memory);
    add_row(&t, "finish", "1", p->finish_ns, "-");
    add_row(&t, "host calls", "-", p->host_ns, "-");
    add_functions(&t, p);
    cli_table_print(&t, c->io.out);
}

static void write_functions(struct buf *to, const struct wasmhost_profile *p)
{
    for (size_t i = 0; i < p->row_count; i++) {
        const struct wasmhost_profile_row *row = &p->rows[i];
        buf_printf(
            to,
            "%s{\"name\":\"%s\",\"count\":%" PRIu64 ",\"ns\":%" PRIu64 ",\"bytes\":%" PRIu64 "}",
            i == 0 ? "" : ",", row->name, row->count, row->ns, row->bytes);
    }
}

static enum err_kind
print_document(struct cli *c, const struct wasmhost_profile *p, uint64_t total_ns, struct err *err)
{
    autobuf struct buf text = {0};
    buf_printf(
        &text,
        "{\"totalNs\":%" PRIu64 ",\"waitNs\":%" PRIu64 ",\"instantiateNs\":%" PRIu64
        ",\"guestNs\":%" PRIu64 ",\"finishNs\":%" PRIu64 ",\"hostNs\":%" PRIu64
        ",\"memoryBytes\":%" PRIu64 ",\"hostCalls\":[",
        total_ns, p->wait_ns, p->instantiate_ns, guest_ns(p), p->finish_ns, p->host_ns,
        p->memory_bytes);
    write_functions(&text, p);
    buf_text(&text, "]}");
    return cli_print_document(c, buf_view(&text), err);
}

enum err_kind cli_profile_print(
    struct cli *c, const struct wasmhost_profile *p, uint64_t total_ns, struct err *err)
{
    struct wasmhost_profile sorted = *p;
    qsort(sorted.rows, sorted.row_count, sizeof(sorted.rows[0]), slowest_first);
    if (cli_output_is_document(c))
        return print_document(c, &sorted, total_ns, err);
    print_table(c, &sorted, total_ns);
    return ERR_OK;
}

/* --- many calls ----------------------------------------------------------------------------------------- */

struct cli_sample cli_sample_of(const struct wasmhost_profile *p, uint64_t total_ns)
{
    return (struct cli_sample){total_ns, p->instantiate_ns, guest_ns(p), p->host_ns};
}

static const struct {
    const char *name;
    const char *key;
    size_t offset;
} parts[] = {
    {"whole call", "total", offsetof(struct cli_sample, total_ns)},
    {"instantiate", "instantiate", offsetof(struct cli_sample, instantiate_ns)},
    {"guest", "guest", offsetof(struct cli_sample, guest_ns)},
    {"host calls", "host", offsetof(struct cli_sample, host_ns)},
};

static int by_value(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x < y ? -1 : x > y;
}

struct spread {
    uint64_t min, median, p99;
};

/* Nearest rank: the smallest value that so many of the samples do not exceed. */
static struct spread
spread_of(const struct cli_sample *samples, size_t count, size_t offset, uint64_t *values)
{
    for (size_t i = 0; i < count; i++)
        memcpy(&values[i], (const char *)&samples[i] + offset, sizeof(values[i]));
    qsort(values, count, sizeof(*values), by_value);
    return (struct spread){
        values[0], values[(count + 1) / 2 - 1], values[(count * 99 + 99) / 100 - 1]};
}

static void spread_row(struct cli_table *t, const char *name, struct spread s)
{
    autofree char *min = show_us(s.min), *median = show_us(s.median), *p99 = show_us(s.p99);
    const struct str cells[] = {str_from(name), str_from(min), str_from(median), str_from(p99)};
    cli_table_row(t, cells);
}

static void spread_member(struct buf *to, const char *key, struct spread s)
{
    buf_printf(
        to, ",\"%s\":{\"minNs\":%" PRIu64 ",\"medianNs\":%" PRIu64 ",\"p99Ns\":%" PRIu64 "}", key,
        s.min, s.median, s.p99);
}

enum err_kind
cli_samples_print(struct cli *c, const struct cli_sample *samples, size_t count, struct err *err)
{
    auto_table struct cli_table t;
    autobuf struct buf text = {0};
    autofree uint64_t *values = mem_realloc_array(NULL, count, sizeof(uint64_t));
    cli_table_init(&t, (const char *const[]){"MICROSECONDS", "MIN", "MEDIAN", "P99", NULL});
    buf_printf(&text, "{\"calls\":%zu", count);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct spread s = spread_of(samples, count, parts[i].offset, values);
        spread_row(&t, parts[i].name, s);
        spread_member(&text, parts[i].key, s);
    }
    buf_char(&text, '}');
    if (cli_output_is_document(c))
        return cli_print_document(c, buf_view(&text), err);
    cli_table_print(&t, c->io.out);
    return ERR_OK;
}
