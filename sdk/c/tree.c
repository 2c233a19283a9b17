/* Files of the repository: walking, reading, writing. */
#include "cup_sdk.h"
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct entry {
    char *name;
    bool is_folder;
};

struct entries {
    struct entry *list;
    size_t count;
    size_t room;
};

struct walk {
    cup_sdk_visit_fn visit;
    void *data;
    struct cup_sdk_err *err;
    char path[CUP_SDK_PATH_MAX]; /* of the folder or file at hand; "" is the root itself */
    size_t n;
};

void *cup_sdk_alloc(size_t bytes)
{
    return cup_sdk_resize(NULL, bytes);
}

void *cup_sdk_resize(void *take_memory, size_t bytes)
{
    void *memory = realloc(take_memory, bytes > 0 ? bytes : 1);
    if (memory == NULL) {
        fputs("out of memory", stderr);
        exit(CUP_SDK_ERROR);
    }
    return memory;
}

char *cup_sdk_copy(const char *text, size_t text_bytes)
{
    char *copy = cup_sdk_alloc(text_bytes + 1);
    if (text_bytes > 0)
        memcpy(copy, text, text_bytes);
    copy[text_bytes] = 0;
    return copy;
}

static void entries_free(struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++)
        free(entries->list[i].name);
    free(entries->list);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static const char *folder_path(const struct walk *w)
{
    return w->n > 0 ? w->path : ".";
}

/* Put "/name" behind the path; returns the length before, for leave(). */
static enum cup_sdk_result enter(struct walk *w, const char *name, size_t *ret_before)
{
    size_t before = w->n, n = strlen(name), slash = before > 0 && w->path[before - 1] != '/';
    if (before + slash + n + 1 > sizeof(w->path))
        return cup_sdk_fail(
            w->err, "a path below '%.200s' is longer than %d bytes", w->path, CUP_SDK_PATH_MAX);
    if (slash)
        w->path[before] = '/';
    memcpy(w->path + before + slash, name, n + 1);
    w->n = before + slash + n;
    *ret_before = before;
    return CUP_SDK_OK;
}

static void leave(struct walk *w, size_t before)
{
    w->path[before] = 0;
    w->n = before;
}

enum type { TYPE_OTHER, TYPE_FILE, TYPE_FOLDER };

/* The host tells the type with the name; only links and hosts that do not say cost a stat. */
static enum type type_of(const char *path, const struct dirent *d)
{
    struct stat st;
    if (d->d_type == DT_REG)
        return TYPE_FILE;
    if (d->d_type == DT_DIR)
        return TYPE_FOLDER;
    if (d->d_type != DT_LNK && d->d_type != DT_UNKNOWN)
        return TYPE_OTHER;
    if (d->d_type == DT_UNKNOWN && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return TYPE_FOLDER;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? TYPE_FILE : TYPE_OTHER;
}

static enum cup_sdk_result
add_entry(struct walk *w, struct entries *entries, const struct dirent *d)
{
    size_t before;
    enum cup_sdk_result r = enter(w, d->d_name, &before);
    if (r != CUP_SDK_OK)
        return r;
    enum type type = type_of(w->path, d);
    leave(w, before);
    if (type == TYPE_OTHER)
        return CUP_SDK_OK;
    if (entries->count == entries->room) {
        entries->room = entries->room > 0 ? 2 * entries->room : 16;
        entries->list = cup_sdk_resize(entries->list, entries->room * sizeof(entries->list[0]));
    }
    entries->list[entries->count++] =
        (struct entry){cup_sdk_copy(d->d_name, strlen(d->d_name)), type == TYPE_FOLDER};
    return CUP_SDK_OK;
}

static enum cup_sdk_result read_folder(struct walk *w, struct entries *entries)
{
    DIR *dir = opendir(folder_path(w));
    if (dir == NULL)
        return cup_sdk_fail(
            w->err, "cannot read folder '%.500s': %s", folder_path(w), strerror(errno));
    enum cup_sdk_result r = CUP_SDK_OK;
    const struct dirent *d;
    errno = 0;
    while (r == CUP_SDK_OK && (d = readdir(dir)) != NULL) {
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0 &&
            strcmp(d->d_name, ".git") != 0)
            r = add_entry(w, entries, d);
        errno = 0;
    }
    if (r == CUP_SDK_OK && errno != 0)
        r = cup_sdk_fail(
            w->err, "cannot read folder '%.500s': %s", folder_path(w), strerror(errno));
    closedir(dir);
    if (entries->count > 0)
        qsort(entries->list, entries->count, sizeof(entries->list[0]), by_name);
    return r;
}

static enum cup_sdk_result walk_folder(struct walk *w)
{
    struct entries entries = {0};
    enum cup_sdk_result r = read_folder(w, &entries);
    for (size_t i = 0; r == CUP_SDK_OK && i < entries.count; i++) {
        size_t before;
        r = enter(w, entries.list[i].name, &before);
        if (r != CUP_SDK_OK)
            break;
        r = entries.list[i].is_folder ? walk_folder(w) : w->visit(w->data, w->path, w->err);
        leave(w, before);
    }
    entries_free(&entries);
    return r;
}

enum cup_sdk_result
cup_sdk_walk(const char *root, cup_sdk_visit_fn visit, void *data, struct cup_sdk_err *err)
{
    struct walk *w = cup_sdk_alloc(sizeof(*w));
    *w = (struct walk){.visit = visit, .data = data, .err = err};
    size_t before;
    enum cup_sdk_result r = CUP_SDK_OK;
    if (strcmp(root, ".") != 0)
        r = enter(w, root, &before);
    if (r == CUP_SDK_OK)
        r = walk_folder(w);
    free(w);
    return r;
}

enum cup_sdk_result cup_sdk_read_stream(
    FILE *file,
    const char *what,
    size_t max_bytes,
    char **ret_text,
    size_t *ret_bytes,
    struct cup_sdk_err *err)
{
    size_t n = 0, room = (size_t)16 << 10;
    char *text = cup_sdk_alloc(room + 1);
    for (;;) {
        size_t got = fread(text + n, 1, room - n, file);
        n += got;
        if (got == 0 || n > max_bytes)
            break;
        if (n == room) {
            room *= 2;
            text = cup_sdk_resize(text, room + 1);
        }
    }
    if (n <= max_bytes && !ferror(file)) {
        text[n] = 0;
        *ret_text = text;
        *ret_bytes = n;
        return CUP_SDK_OK;
    }
    free(text);
    if (n > max_bytes)
        return cup_sdk_fail(err, "'%.500s' is larger than %zu bytes", what, max_bytes);
    return cup_sdk_fail(err, "cannot read '%.500s': %s", what, strerror(errno));
}

enum cup_sdk_result cup_sdk_read_file(
    const char *path, size_t max_bytes, char **ret_text, size_t *ret_bytes, struct cup_sdk_err *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL && errno == ENOENT)
        return cup_sdk_not_found(err, "no file '%.500s'", path);
    if (file == NULL)
        return cup_sdk_fail(err, "cannot open '%.500s': %s", path, strerror(errno));
    enum cup_sdk_result r = cup_sdk_read_stream(file, path, max_bytes, ret_text, ret_bytes, err);
    fclose(file);
    return r;
}

static enum cup_sdk_result make_parents(const char *path, struct cup_sdk_err *err)
{
    char *copy = cup_sdk_copy(path, strlen(path));
    enum cup_sdk_result r = CUP_SDK_OK;
    for (char *p = copy + 1; *copy != 0 && r == CUP_SDK_OK && (p = strchr(p, '/')) != NULL; p++) {
        *p = 0;
        if (mkdir(copy, 0755) != 0 && errno != EEXIST)
            r = cup_sdk_fail(err, "cannot make folder '%.500s': %s", copy, strerror(errno));
        *p = '/';
    }
    free(copy);
    return r;
}

enum cup_sdk_result
cup_sdk_write_file(const char *path, const char *text, size_t text_bytes, struct cup_sdk_err *err)
{
    enum cup_sdk_result r = make_parents(path, err);
    if (r != CUP_SDK_OK)
        return r;
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return cup_sdk_fail(err, "cannot write '%.500s': %s", path, strerror(errno));
    bool is_written = fwrite(text, 1, text_bytes, file) == text_bytes;
    if (fclose(file) != 0 || !is_written)
        return cup_sdk_fail(err, "cannot write '%.500s': %s", path, strerror(errno));
    return CUP_SDK_OK;
}
