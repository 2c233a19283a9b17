/*
 * Memory of one call: an arena whose pieces live as long as it, and a growing text in it. A call
 * reads and edits a few files and ends, so nothing is freed one by one.
 */
#pragma once

#include <stddef.h>

struct flipt_arena {
    struct flipt_chunk *chunks;
    size_t left; /* bytes free in the newest chunk */
};

/* Zeroed memory that lives as long as the arena; ends the program when there is none. */
void *flipt_alloc(struct flipt_arena *arena, size_t bytes);

/* A copy with a zero byte behind it. */
char *flipt_copy(struct flipt_arena *arena, const char *text, size_t n);

/* Free all; the arena is empty after it and usable again. */
void flipt_arena_free(struct flipt_arena *arena);

/*
 * Make room for one more element in an array of the arena: returns the array, moved if it was full.
 * `room` is the number of elements that fit; start with NULL, 0, 0.
 */
void *flipt_grow(
    struct flipt_arena *arena, void *array, size_t count, size_t *room, size_t element_bytes);

/* Text that grows. Zero it but for the arena. */
struct flipt_text {
    struct flipt_arena *arena;
    char *p; /* not zero-terminated */
    size_t n;
    size_t room;
};

void flipt_text_add(struct flipt_text *text, const char *p, size_t n);
void flipt_text_adds(struct flipt_text *text, const char *zero_terminated);
void flipt_text_spaces(struct flipt_text *text, size_t n);
