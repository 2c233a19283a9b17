#include "oci/bundle.h"
#include "base/fs.h"
#include "base/mem.h"
#include "oci/copy.h"
#include "oci/internal.h"
#include "oci/layout_files.h"
#include "oci/tar.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INDEX_MAX = 16 << 20, PIECE = 64 << 10, NAMES_MAX = 1000, INPUT_WAIT_MS = 200 };

/* --- a layout for the time of one call, among the store's temporary files ----------------------------------- */

struct scratch {
    char *dir;
    int fd; /* its lock: a dead process has none, and the store sweeps what it left */
    struct oci_layout *layout;
};

static void scratch_deinit(struct scratch *s)
{
    oci_layout_close(s->layout);
    if (s->dir != NULL)
        fs_remove_tree(s->dir);
    if (s->fd >= 0)
        close(s->fd);
    free(s->dir);
}
#define auto_scratch CLEANUP(scratch_deinit)

static enum err_kind make_scratch(struct oci_session *s, struct scratch *ret, struct err *err)
{
    struct oci_layout *store;
    enum err_kind r = oci_session_store(s, true, &store, err);
    if (r == ERR_OK)
        r = layout_temp_dir(store, &ret->dir, &ret->fd, err);
    if (r != ERR_OK)
        return r;
    return oci_layout_open(ret->dir, true, true, &ret->layout, err);
}

static enum err_kind copy_one(
    struct oci_session *s,
    const char *verb,
    struct oci_place *from,
    struct oci_place *to,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    struct oci_graph_copy copy = {
        .session = s, .verb = verb, .from = from, .to = to, .with_referrers = true};
    enum err_kind r = oci_copy_graph(&copy, ret_digest, err);
    return r == ERR_OK ? r : err_wrap(err, "'%s'", to->name);
}

/* --- writing --------------------------------------------------------------------------------------------- */

static enum err_kind put_header(int fd, const char *name, uint64_t size, struct err *err)
{
    char block[TAR_BLOCK];
    tar_write_header(block, name, size, 0);
    return fs_write_all(fd, block, sizeof(block), err);
}

static enum err_kind put_padding(int fd, uint64_t size, struct err *err)
{
    static const char ZEROS[TAR_BLOCK];
    return fs_write_all(fd, ZEROS, (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK, err);
}

static enum err_kind put_file(int fd, const char *dir, const char *name, struct err *err)
{
    autobuf struct buf bytes = {0};
    autofree char *path = fs_join(dir, name);
    enum err_kind r = fs_read_file(path, INDEX_MAX, &bytes, err);
    if (r == ERR_OK)
        r = put_header(fd, name, bytes.n, err);
    if (r == ERR_OK)
        r = fs_write_all(fd, bytes.p, bytes.n, err);
    return r == ERR_OK ? put_padding(fd, bytes.n, err) : r;
}

struct blob_out {
    struct oci_session *session;
    int fd;
};

static bool write_out(void *data, const char *p, size_t n, struct err *err)
{
    const struct blob_out *out = data;
    return oci_session_check(out->session, err) == ERR_OK &&
        fs_write_all(out->fd, p, n, err) == ERR_OK;
}

static enum err_kind put_blob(
    struct oci_session *session, int fd, const struct scratch *s, const char *hex, struct err *err)
{
    struct stat st;
    struct blob_out out = {.session = session, .fd = fd};
    autofree char *name = mem_printf("blobs/sha256/%s", hex);
    autofree char *path = fs_join(s->dir, name);
    autofree char *digest = mem_printf("sha256:%s", hex);
    if (stat(path, &st) != 0)
        return err_errno(err, errno, "reading blob %s", digest);
    uint64_t size = (uint64_t)st.st_size;
    enum err_kind r = put_header(fd, name, size, err);
    if (r == ERR_OK)
        r = oci_layout_read(s->layout, digest, size, write_out, &out, err);
    return r == ERR_OK ? put_padding(fd, size, err) : r;
}

static int is_visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* In the order of their names, so that the archive says nothing of how it came about. */
static enum err_kind
put_blobs(struct oci_session *session, int fd, const struct scratch *s, struct err *err)
{
    struct dirent **list = NULL;
    autofree char *dir = fs_join(s->dir, "blobs/sha256");
    int n = scandir(dir, &list, is_visible, by_bytes);
    if (n < 0)
        return err_errno(err, errno, "listing blobs");
    enum err_kind r = ERR_OK;
    for (int i = 0; i < n; i++) {
        if (r == ERR_OK)
            r = put_blob(session, fd, s, list[i]->d_name, err);
        free(list[i]);
    }
    free(list);
    return r;
}

static enum err_kind
take_image(struct oci_session *s, struct scratch *to, const struct oci_ref *ref, struct err *err)
{
    char digest[OCI_DIGEST_MAX];
    auto_oci_place struct oci_place from = {0};
    auto_oci_place struct oci_place place = {.layout = to->layout};
    enum err_kind r = oci_session_place(s, ref, ref->kind != OCI_REF_LAYOUT, false, &from, err);
    if (r != ERR_OK)
        return r;
    place.name = ref->kind != OCI_REF_LAYOUT
        ? oci_ref_store_name(ref)
        : mem_strdup(ref->tag[0] != '\0' ? ref->tag : "latest");
    return copy_one(s, "save", &from, &place, digest, err);
}

enum err_kind
oci_save(struct oci_session *s, const struct oci_ref *refs, size_t count, int fd, struct err *err)
{
    static const char END[2 * TAR_BLOCK];
    auto_scratch struct scratch scratch = {.fd = -1};
    enum err_kind r = make_scratch(s, &scratch, err);
    for (size_t i = 0; r == ERR_OK && i < count; i++)
        r = take_image(s, &scratch, &refs[i], err);
    if (r == ERR_OK)
        r = put_file(fd, scratch.dir, "oci-layout", err);
    if (r == ERR_OK)
        r = put_file(fd, scratch.dir, "index.json", err);
    if (r == ERR_OK)
        r = put_blobs(s, fd, &scratch, err);
    return r == ERR_OK ? fs_write_all(fd, END, sizeof(END), err) : r;
}

/* --- reading --------------------------------------------------------------------------------------------- */

/* The archive as it comes; it may be a pipe. */
struct archive_in {
    struct oci_session *session;
    int fd;
    struct scratch *to;
    bool has_index;
    size_t entries;
};

/* Of a pipe nothing may come for long: whether to go on is asked all the same. */
static enum err_kind wait_for_input(const struct archive_in *a, struct err *err)
{
    struct pollfd waited = {.fd = a->fd, .events = POLLIN};
    enum err_kind r;
    do
        r = oci_session_check(a->session, err);
    while (r == ERR_OK && poll(&waited, 1, INPUT_WAIT_MS) <= 0);
    return r;
}

/* All n bytes, or INVALID. */
static enum err_kind read_exactly(const struct archive_in *a, char *to, size_t n, struct err *err)
{
    while (n > 0) {
        enum err_kind r = wait_for_input(a, err);
        if (r != ERR_OK)
            return r;
        ssize_t got = read(a->fd, to, n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, errno, "reading the file");
        if (got == 0)
            return err_set(err, ERR_INVALID, "the file is cut");
        to += got;
        n -= (size_t)got;
    }
    return ERR_OK;
}

/* An entry's data to `write` (NULL: passed over), and what fills its last block. */
static enum err_kind read_data(
    const struct archive_in *a,
    uint64_t size,
    enum err_kind (*write)(void *data, const char *p, size_t n, struct err *err),
    void *data,
    struct err *err)
{
    char piece[PIECE];
    uint64_t left = size + (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
    enum err_kind r = ERR_OK;
    while (r == ERR_OK && left > 0) {
        size_t n = left < sizeof(piece) ? (size_t)left : sizeof(piece);
        size_t used = size < n ? (size_t)size : n;
        r = read_exactly(a, piece, n, err);
        if (r == ERR_OK && write != NULL && used > 0)
            r = write(data, piece, used, err);
        size -= used;
        left -= n;
    }
    return r;
}

static enum err_kind add_to_blob(void *data, const char *p, size_t n, struct err *err)
{
    return oci_blob_add(data, p, n, err);
}

static enum err_kind add_to_buf(void *data, const char *p, size_t n, struct err *err)
{
    struct buf *b = data;
    buf_add(b, p, n);
    return buf_check(b, "index.json", err);
}

static enum err_kind
read_blob(struct archive_in *a, const char *hex, uint64_t size, struct err *err)
{
    autofree char *digest = mem_printf("sha256:%s", hex);
    auto_oci_blob struct oci_blob_writer w = {.fd = -1};
    enum err_kind r = oci_digest_check(str_from(digest), err);
    if (r == ERR_OK)
        r = oci_blob_begin(a->to->layout, digest, size, &w, err);
    if (r == ERR_OK)
        r = read_data(a, size, add_to_blob, &w, err);
    return r == ERR_OK ? oci_blob_commit(&w, err) : r;
}

static enum err_kind read_index(struct archive_in *a, uint64_t size, struct err *err)
{
    autobuf struct buf bytes = {.max = INDEX_MAX};
    autofree char *path = fs_join(a->to->dir, "index.json");
    enum err_kind r = read_data(a, size, add_to_buf, &bytes, err);
    if (r == ERR_OK)
        r = fs_write_atomic(path, buf_view(&bytes), 0600, err);
    a->has_index = r == ERR_OK;
    return r;
}

static enum err_kind read_file(struct archive_in *a, const struct tar_header *h, struct err *err)
{
    struct str name = str_from(h->name);
    while (str_starts(name, STR("./")))
        name = str_skip(name, 2);
    if (str_starts(name, STR("blobs/sha256/")))
        return read_blob(a, name.p + strlen("blobs/sha256/"), h->size, err);
    if (str_eqz(name, "index.json"))
        return read_index(a, h->size, err);
    /* image-layout.md: what else is there is not looked at. No entry's name becomes a path. */
    return read_data(a, h->size, NULL, NULL, err);
}

static enum err_kind read_entry(struct archive_in *a, const struct tar_header *h, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    if (++a->entries > OCI_BUNDLE_ENTRIES_MAX)
        return err_set(err, ERR_LIMIT, "more than %d files in it", OCI_BUNDLE_ENTRIES_MAX);
    switch (h->type) {
    case '0':
        return read_file(a, h, err);
    case '5': /* a folder */
        return ERR_OK;
    case 'x': /* attributes of files: none of ours needs any */
    case 'g':
        return read_data(a, h->size, NULL, NULL, err);
    default:
        return err_set(
            err, ERR_INVALID, "entry '%s' is neither file nor folder",
            oci_show(str_from(h->name), shown));
    }
}

static bool is_all_zero(const char block[TAR_BLOCK])
{
    for (size_t i = 0; i < TAR_BLOCK; i++) {
        if (block[i] != '\0')
            return false;
    }
    return true;
}

static enum err_kind read_archive(struct archive_in *a, struct err *err)
{
    for (;;) {
        char block[TAR_BLOCK];
        struct tar_header h;
        enum err_kind r = read_exactly(a, block, sizeof(block), err);
        if (r != ERR_OK)
            return r;
        if (a->entries == 0 && memcmp(block, "\x1f\x8b", 2) == 0)
            return err_set(err, ERR_INVALID, "the file is compressed: unpack it with gunzip first");
        if (is_all_zero(block))
            break;
        r = tar_read_header(block, &h, err);
        if (r == ERR_OK)
            r = read_entry(a, &h, err);
        if (r != ERR_OK)
            return r;
    }
    return a->has_index ? ERR_OK
                        : err_set(err, ERR_INVALID, "the file holds no index.json of images");
}

/* --- naming ---------------------------------------------------------------------------------------------- */

/* Names in the order of the file; those of referrers come with what they point at. */
struct names {
    char *items[NAMES_MAX];
    size_t count;
};

static void names_deinit(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->items[i]);
}

static bool is_referrers_tag(struct str name)
{
    return str_starts(name, STR("sha256-"));
}

static bool add_name(void *data, struct str name, struct err *err)
{
    struct names *n = data;
    if (is_referrers_tag(name))
        return true;
    if (n->count == NAMES_MAX) {
        err_set(err, ERR_LIMIT, "more than %d images in it", NAMES_MAX);
        return false;
    }
    n->items[n->count++] = mem_strdup_str(name);
    return true;
}

static enum err_kind name_image(
    struct oci_session *s,
    struct scratch *from,
    const char *name,
    const struct oci_ref *ref,
    char ret_digest[OCI_DIGEST_MAX],
    struct err *err)
{
    struct oci_layout *store;
    auto_oci_place struct oci_place place = {.layout = from->layout, .name = mem_strdup(name)};
    enum err_kind r = oci_session_store(s, true, &store, err);
    if (r != ERR_OK)
        return r;
    auto_oci_place struct oci_place to = {.layout = store, .name = oci_ref_store_name(ref)};
    return copy_one(s, "load", &place, &to, ret_digest, err);
}

/* What a name of the file is in the store: a reference as it was saved, or another tool's bare tag. */
static enum err_kind ref_of_name(const char *name, struct oci_ref *ret, struct err *err)
{
    char shown[OCI_SHOWN_MAX];
    enum err_kind r = oci_ref_parse(str_from(name), ret, err);
    if (r == ERR_OK && ret->kind != OCI_REF_LAYOUT && ret->digest[0] == '\0')
        return r;
    return err_set(
        err, ERR_INVALID, "its image '%s' has no name that the store can take: give it one",
        oci_show(str_from(name), shown));
}

static enum err_kind name_all(
    struct oci_session *s,
    struct scratch *from,
    const struct names *names,
    const struct oci_ref *as,
    void (*each)(void *data, const struct oci_ref *ref, const char *digest),
    void *data,
    struct err *err)
{
    autofree struct oci_ref *refs = mem_alloc((names->count + 1) * sizeof(*refs));
    size_t count = names->count == 0 ? 1 : names->count;
    enum err_kind r = ERR_OK;
    if (as != NULL && count > 1)
        return err_set(
            err, ERR_INVALID, "the file holds %zu images: they keep their names", names->count);
    if (as == NULL && names->count == 0)
        return err_set(err, ERR_INVALID, "the image in the file has no name: give it one");
    for (size_t i = 0; r == ERR_OK && i < count; i++) {
        if (as != NULL)
            refs[i] = *as;
        else
            r = ref_of_name(names->items[i], &refs[i], err);
    }
    for (size_t i = 0; r == ERR_OK && i < count; i++) {
        char digest[OCI_DIGEST_MAX];
        const char *name = names->count == 0 ? NULL : names->items[i];
        r = name_image(s, from, name, &refs[i], digest, err);
        if (r == ERR_OK)
            each(data, &refs[i], digest);
    }
    return r;
}

enum err_kind oci_load(
    struct oci_session *s,
    int fd,
    const struct oci_ref *as,
    void (*each)(void *data, const struct oci_ref *ref, const char *digest),
    void *data,
    struct err *err)
{
    auto_scratch struct scratch scratch = {.fd = -1};
    CLEANUP(names_deinit) struct names names = {.count = 0};
    struct archive_in in = {.session = s, .fd = fd, .to = &scratch};
    enum err_kind r = make_scratch(s, &scratch, err);
    if (r == ERR_OK)
        r = read_archive(&in, err);
    if (r == ERR_OK)
        r = oci_layout_names(scratch.layout, add_name, &names, err);
    return r == ERR_OK ? name_all(s, &scratch, &names, as, each, data, err) : r;
}
