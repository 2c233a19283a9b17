#include "mem.h"

#include "cup_sdk.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)64 << 10)
#define ALIGN 16

struct flipt_chunk {
    struct flipt_chunk *older;
    size_t bytes;
    max_align_t data[];
};

void *flipt_alloc(struct flipt_arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 4)
        abort();
    bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
    if (bytes > arena->left) {
        size_t n = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
        struct flipt_chunk *chunk = cup_sdk_alloc(sizeof(*chunk) + n);
        *chunk = (struct flipt_chunk){.older = arena->chunks, .bytes = n};
        arena->chunks = chunk;
        arena->left = n;
    }
    struct flipt_chunk *chunk = arena->chunks;
    char *p = (char *)chunk->data + (chunk->bytes - arena->left);
    arena->left -= bytes;
    memset(p, 0, bytes);
    return p;
}

char *flipt_copy(struct flipt_arena *arena, const char *text, size_t n)
{
    char *copy = flipt_alloc(arena, n + 1);
    if (n > 0)
        memcpy(copy, text, n);
    return copy;
}

void flipt_arena_free(struct flipt_arena *arena)
{
    while (arena->chunks != NULL) {
        struct flipt_chunk *older = arena->chunks->older;
        free(arena->chunks);
        arena->chunks = older;
    }
    arena->left = 0;
}

void *
flipt_grow(struct flipt_arena *arena, void *array, size_t count, size_t *room, size_t element_bytes)
{
    if (count < *room)
        return array;
    *room = *room > 0 ? 2 * *room : 8;
    void *bigger = flipt_alloc(arena, *room * element_bytes);
    if (count > 0)
        memcpy(bigger, array, count * element_bytes);
    return bigger;
}

void flipt_text_add(struct flipt_text *text, const char *p, size_t n)
{
    if (n == 0)
        return;
    if (text->n + n > text->room) {
        size_t room = 2 * text->room > text->n + n ? 2 * text->room : text->n + n + 64;
        char *bigger = flipt_alloc(text->arena, room);
        if (text->n > 0)
            memcpy(bigger, text->p, text->n);
        text->p = bigger;
        text->room = room;
    }
    memcpy(text->p + text->n, p, n);
    text->n += n;
}

void flipt_text_adds(struct flipt_text *text, const char *zero_terminated)
{
    flipt_text_add(text, zero_terminated, strlen(zero_terminated));
}

void flipt_text_spaces(struct flipt_text *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        flipt_text_add(text, " ", 1);
}
