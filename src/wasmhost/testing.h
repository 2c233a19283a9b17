/*
 * Host calls without a guest: a struct wasi over a piece of memory that plays the guest's. For unit
 * tests and the fuzz target; the engine is not started.
 */
#pragma once

#include "base/mem.h"
#include "wasmhost/wasi.h"

#include <stdarg.h>

#define BOX_MEMORY 65536u
/* Where box_text and box_iovec put things; results go below. */
#define BOX_TEXT 0x4000u
#define BOX_OUT 0x8000u
#define BOX_ROWS_MAX 64

struct box {
    struct wasmhost_call call;
    struct wasmhost_result result;
    struct wasi wasi;
    uint32_t text_at;
};

static const struct wasi_family *const box_families[] = {
    &wasi_args_family, &wasi_clock_family, &wasi_fd_family,   &wasi_dir_family,
    &wasi_path_family, &wasi_move_family,  &wasi_poll_family,
};

static int box_compare_rows(const void *a, const void *b)
{
    const struct wasi_row *const *x = a;
    const struct wasi_row *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* All functions, sorted by name; how many. */
static inline size_t box_rows(const struct wasi_row *ret[BOX_ROWS_MAX])
{
    size_t count = 0;
    for (size_t f = 0; f < ARRAY_LEN(box_families); f++) {
        for (size_t i = 0; i < box_families[f]->count; i++)
            ret[count++] = &box_families[f]->rows[i];
    }
    qsort(ret, count, sizeof(ret[0]), box_compare_rows);
    return count;
}

/* box->call says which tree; the rest of the box must be zeroed. The memory is on the heap and of the
 * exact size: a sanitizer sees a step out of it. */
static inline void box_init(struct box *b)
{
    wasmhost_limits_default(&b->call.limits);
    buf_init(&b->result.out, b->call.limits.output_bytes);
    wasi_init(&b->wasi, &b->call, &b->result);
    b->wasi.mem = mem_alloc(BOX_MEMORY);
    b->wasi.mem_n = BOX_MEMORY;
    b->text_at = BOX_TEXT;
}

static inline void box_deinit(struct box *b)
{
    wasi_deinit(&b->wasi);
    free(b->wasi.mem);
    wasmhost_result_deinit(&b->result);
}

/* Arguments as 64-bit values, each taken for what the row says. */
static inline enum wasi_errno
box_call_row(struct box *b, const struct wasi_row *row, const uint64_t *args)
{
    wasmtime_val_raw_t raw[16] = {0};
    for (size_t i = 0; row->params[i] != '\0'; i++) {
        if (row->params[i] == 'I')
            raw[i].i64 = (int64_t)args[i];
        else
            raw[i].i32 = (int32_t)(uint32_t)args[i];
    }
    return row->fn(&b->wasi, raw);
}

static inline const struct wasi_row *box_row(const char *name)
{
    const struct wasi_row *rows[BOX_ROWS_MAX];
    size_t count = box_rows(rows);
    size_t i = 0;
    while (i < count && strcmp(rows[i]->name, name) != 0)
        i++;
    assert(i < count);
    return rows[i];
}

/* A function by name with `count` arguments. */
static inline enum wasi_errno
box_call(struct box *b, const char *name, const uint64_t *args, size_t count)
{
    const struct wasi_row *row = box_row(name);
    assert(strlen(row->params) == count);
    return box_call_row(b, row, args);
}
#define CALL(box, name, ...)                                                                       \
    box_call(                                                                                      \
        box, name, (const uint64_t[]){__VA_ARGS__},                                                \
        sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* Put text into the guest's memory; where it is. */
static inline uint32_t box_text(struct box *b, const char *text)
{
    uint32_t at = b->text_at;
    uint32_t n = (uint32_t)strlen(text) + 1;
    if (at + n > BOX_OUT)
        at = BOX_TEXT;
    memcpy(b->wasi.mem + at, text, n);
    b->text_at = at + n;
    return at;
}
/* Two arguments: where the path is, and its length. */
#define PATH(box, text) box_text(box, text), strlen(text)
