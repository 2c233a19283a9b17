/*
 * Modules made byte by byte, for what no compiler makes: the tests of this folder only.
 * WebAssembly 2.0, section 5 "Binary Format".
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

static inline void wasm_add_leb(struct buf *to, uint32_t v)
{
    do {
        buf_char(to, (char)((v & 0x7F) | (v > 0x7F ? 0x80 : 0)));
        v >>= 7;
    } while (v > 0);
}

static inline void wasm_add_section(struct buf *to, char id, struct str body)
{
    buf_char(to, id);
    wasm_add_leb(to, (uint32_t)body.n);
    buf_str(to, body);
}

/* Functions that every such guest imports, and then its own: */
enum wasm_function {
    WASM_FD_WRITE,   /* (fd, iovecs, count, result) -> errno */
    WASM_FD_READ,    /* the same */
    WASM_RANDOM_GET, /* (to, n) -> errno */
    WASM_PROC_EXIT,  /* (code) */
    WASM_START,      /* `_start` */
    WASM_SECOND,     /* another one, called by whoever wants it */
};

/* A command with one memory, one global i32 and, where asked for, tables. */
struct wasm_guest {
    uint32_t pages;         /* of the memory, at first; no maximum */
    uint32_t tables;        /* of function references */
    uint32_t table_min;     /* elements */
    struct str start;       /* instructions of `_start`, without the final end */
    struct str second;      /* of the second function */
    bool runs_second_first; /* as the module's start function */
};

static inline void wasm_add_imports(struct buf *to)
{
    static const struct {
        const char *name;
        char type;
    } rows[] = {{"fd_write", 2}, {"fd_read", 2}, {"random_get", 1}, {"proc_exit", 3}};
    autobuf struct buf body = {0};
    buf_char(&body, ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_text(&body, "\x16wasi_snapshot_preview1");
        buf_char(&body, (char)strlen(rows[i].name));
        buf_text(&body, rows[i].name);
        buf_char(&body, 0);
        buf_char(&body, rows[i].type);
    }
    wasm_add_section(to, 2, buf_view(&body));
}

static inline void wasm_add_tables(struct buf *to, const struct wasm_guest *g)
{
    autobuf struct buf body = {0};
    wasm_add_leb(&body, g->tables);
    for (uint32_t i = 0; i < g->tables; i++) {
        buf_add(&body, "\x70\0", 2);
        wasm_add_leb(&body, g->table_min);
    }
    if (g->tables > 0)
        wasm_add_section(to, 4, buf_view(&body));
}

static inline void wasm_add_code(struct buf *to, const struct wasm_guest *g)
{
    autobuf struct buf body = {0};
    const struct str functions[] = {g->start, g->second};
    buf_char(&body, ARRAY_LEN(functions));
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        wasm_add_leb(&body, (uint32_t)functions[i].n + 2);
        buf_char(&body, 0); /* no locals */
        buf_str(&body, functions[i]);
        buf_char(&body, 0x0b);
    }
    wasm_add_section(to, 10, buf_view(&body));
}

static inline void wasm_make(struct buf *to, const struct wasm_guest *g)
{
    autobuf struct buf memory = {0};
    buf_add(to, "\0asm\1\0\0\0", 8);
    wasm_add_section(
        to, 1, STR("\4\x60\0\0\x60\2\x7f\x7f\1\x7f\x60\4\x7f\x7f\x7f\x7f\1\x7f\x60\1\x7f\0"));
    wasm_add_imports(to);
    wasm_add_section(to, 3, STR("\2\0\0"));
    wasm_add_tables(to, g);
    buf_add(&memory, "\1\0", 2);
    wasm_add_leb(&memory, g->pages);
    wasm_add_section(to, 5, buf_view(&memory));
    wasm_add_section(to, 6, STR("\1\x7f\1\x41\0\x0b"));
    wasm_add_section(to, 7, STR("\2\6_start\0\4\6memory\2\0"));
    if (g->runs_second_first)
        wasm_add_section(to, 8, STR("\5"));
    wasm_add_code(to, g);
}
