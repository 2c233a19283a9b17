/*
 * A directory tree of named nodes, what the memory tree and the overlay are made of: each node holds
 * its children sorted bytewise by name. Not a vfs itself.
 * Guests choose how many children a directory has and in which order they come and go, so these lie in
 * runs of bounded length: to put one in or take one out moves one run and, rarely, the list of runs.
 */
#pragma once

#include "base/str.h"
#include "vfs/vfs.h"

#define NODE_RUN_MAX 512

struct node_run { /* never empty once it has been filled */
    struct node **items;
    size_t count;
    size_t cap;
};

struct node {
    char *name;
    size_t name_n;
    enum vfs_type type;
    bool is_executable;
    bool is_gone;            /* overlay: removed, what the base has there is not seen */
    enum vfs_type base_type; /* overlay: what the base has there; 0: nothing */
    struct str bytes;        /* owned; of files and links */
    struct vfs_id id;        /* memory tree: of the bytes */
    struct node_run *runs;   /* the children, in order */
    size_t run_count;
    size_t run_cap;
};

struct node *node_new(struct str name, enum vfs_type type);
void node_free(struct node *n); /* with all below; NULL is fine */
/* Child of this name; NULL when there is none. */
struct node *node_child(const struct node *n, struct str name);
/* Put a child in its place; there must be none of its name. */
void node_insert(struct node *n, struct node *take_child);
/* Take the child of this name out and free it; there must be one. */
void node_drop(struct node *n, struct str name);
/* The children in order: begin with a zeroed cursor; NULL at the end. The node must not change meanwhile. */
struct node_cursor {
    size_t run;
    size_t i;
};
struct node *node_next(const struct node *n, struct node_cursor *at);
/* The node at a path below `root`; NULL when there is none. "" is root. */
struct node *node_find(struct node *root, struct str path);
/* Replace the bytes by a copy of these. */
void node_set_bytes(struct node *n, struct str bytes);
