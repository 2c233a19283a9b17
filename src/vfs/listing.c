#include "base/buf.h"
#include "base/mem.h"
#include "vfs/vfs.h"

/* Behind listing.memory: the names one after the other, each with its NUL. They move while the
 * listing grows, so until vfs_listing_finish an entry's name is its offset. */
struct names {
    struct buf text;
    size_t cap;
};

void vfs_listing_add(struct vfs_listing *l, struct str name, enum vfs_type type)
{
    struct names *names = l->memory;

    if (names == NULL) {
        names = mem_new(struct names);
        buf_init(&names->text, SIZE_MAX / 2);
        l->memory = names;
    }
    mem_grow(&l->entries, l->count, &names->cap);
    l->entries[l->count++] =
        (struct vfs_entry){.name = (const char *)(uintptr_t)names->text.n, .type = type};
    buf_add(&names->text, name.p, name.n);
    buf_char(&names->text, '\0');
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct vfs_entry *)a)->name, ((const struct vfs_entry *)b)->name);
}

void vfs_listing_finish(struct vfs_listing *l)
{
    struct names *names = l->memory;
    bool is_sorted = true;

    for (size_t i = 0; i < l->count; i++) {
        l->entries[i].name = names->text.p + (uintptr_t)l->entries[i].name;
        if (i > 0 && is_sorted)
            is_sorted = strcmp(l->entries[i - 1].name, l->entries[i].name) <= 0;
    }
    if (!is_sorted)
        qsort(l->entries, l->count, sizeof(*l->entries), compare_entries);
}

void vfs_listing_deinit(struct vfs_listing *l)
{
    struct names *names = l->memory;

    if (names != NULL)
        buf_deinit(&names->text);
    free(names);
    free(l->entries);
    *l = (struct vfs_listing){0};
}
