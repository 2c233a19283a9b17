/*
 * A directory tree of named nodes, what the memory tree and the overlay are made of: each node holds
 * its children sorted bytewise by name. Not a vfs itself.
 */
#pragma once

#include "base/str.h"
#include "vfs/vfs.h"

struct node {
    char *name;
    size_t name_n;
    enum vfs_type type;
    bool is_executable;
    bool is_gone;            /* overlay: removed, what the base has there is not seen */
    enum vfs_type base_type; /* overlay: what the base has there; 0: nothing */
    struct str bytes;        /* owned; of files and links */
    struct vfs_id id;        /* memory tree: of the bytes */
    struct node **children;
    size_t child_count;
    size_t child_cap;
};

struct node *node_new(struct str name, enum vfs_type type);
void node_free(struct node *n); /* with all below; NULL is fine */
/* Child of this name; NULL when there is none. */
struct node *node_child(const struct node *n, struct str name);
/* Put a child in its place; there must be none of its name. */
void node_insert(struct node *n, struct node *take_child);
/* Take the child of this name out and free it; there must be one. */
void node_drop(struct node *n, struct str name);
/* The node at a path below `root`; NULL when there is none. "" is root. */
struct node *node_find(struct node *root, struct str path);
/* Replace the bytes by a copy of these. */
void node_set_bytes(struct node *n, struct str bytes);
