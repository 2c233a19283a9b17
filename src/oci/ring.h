/*
 * Bytes from one thread to another through bounded memory: one thread puts, one takes. Not a queue of
 * things, and not for more than two threads.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct oci_ring {
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    char *bytes;
    size_t room;
    size_t batch;
    size_t start;
    size_t used;
    bool is_closed;    /* nothing more is put */
    bool is_abandoned; /* nobody takes any more */
};

/* The taker sleeps until `batch` bytes are there, or the end: 1 where they are waited for, more, at most
 * `room`, where a wake-up each few bytes costs more than it gains. */
void oci_ring_init(struct oci_ring *r, size_t room, size_t batch);
void oci_ring_deinit(struct oci_ring *r); /* when neither thread uses it any more */
void oci_ring_reset(struct oci_ring *r);  /* empty and open again; likewise */

/* Waits for room. false: nobody takes them. */
bool oci_ring_put(struct oci_ring *r, const char *p, size_t n);
void oci_ring_close(struct oci_ring *r);

/* Some of what is there, 0 at the end; waits for it. Stays in place until oci_ring_taken says so. */
size_t oci_ring_look(struct oci_ring *r, const char **ret);
void oci_ring_taken(struct oci_ring *r, size_t n);
void oci_ring_abandon(struct oci_ring *r);
