/*
 * Identifiers of 26 Crockford base-32 characters: ULIDs (https://github.com/ulid/spec), and ids
 * made of 128 given bits.
 */
#pragma once

#include "base/str.h"

#define ID_CHARS 26

/* A new ULID: wall-clock milliseconds and 80 random bits; later calls of one process sort later,
 * even when the wall clock goes backwards. Any thread. */
void id_new(char ret_id[ID_CHARS + 1]);
void id_from_bits(const uint8_t bits[16], char ret_id[ID_CHARS + 1]);
bool id_is_valid(struct str text); /* 26 characters of the alphabet, upper case, first one 0-7 */
/* size_t n of random bytes from the kernel; aborts when it has none. */
void id_random(void *ret_bytes, size_t n);
