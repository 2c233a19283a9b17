/*
 * Refs listed: the files below a directory of refs, and the lines of packed-refs, read by ourselves
 * (gitrepository-layout(5), git-pack-refs(1)). libgit2 opens each file three times and looks each
 * object up; with a thousand open proposals that was most of a PUT. What was read of a file is kept by
 * what the file system says of it, once that has settled. Anything unusual (a symbolic ref, a tag) is
 * left to libgit2.
 */
#include "repo/ref_list.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "repo/refs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#define PACKED_BYTES_MAX ((size_t)256 << 20)
#define DEPTH_MAX 64
/* A file that changed a moment ago may change again without a trace: times are only as fine as the
 * clock, and an inode is used again. */
#define SETTLED_S 2

struct facts {
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

struct known {
    UT_hash_handle hh;
    struct facts facts;
    struct repo_id commit;
    size_t name_n;
    char name[];
};

struct ref_memo {
    pthread_mutex_t lock; /* guards known; a leaf */
    struct known *known;
};

struct listing {
    struct repo *repo;
    git_repository *git;
    int64_t settled_s; /* what changed before has settled */
    struct str prefix;
    struct repo_refs refs;
    size_t cap;
    struct err *err;
};

static struct facts facts_of(const struct stat *st)
{
    return (struct facts){st->st_ino, st->st_size, st->st_mtim, st->st_ctim};
}

static bool same_facts(const struct facts *a, const struct facts *b)
{
    return a->inode == b->inode && a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
        a->modified.tv_nsec == b->modified.tv_nsec && a->changed.tv_sec == b->changed.tv_sec &&
        a->changed.tv_nsec == b->changed.tv_nsec;
}

/* --- what was read before --------------------------------------------------------------------------- */

static bool recall(struct listing *l, struct str name, const struct facts *now, struct repo_id *ret)
{
    struct ref_memo *m = l->repo->ref_memo;
    struct known *found = NULL;
    pthread_mutex_lock(&m->lock);
    HASH_FIND(hh, m->known, name.p, name.n, found);
    bool holds = found != NULL && same_facts(&found->facts, now);
    if (holds)
        *ret = found->commit;
    pthread_mutex_unlock(&m->lock);
    return holds;
}

static void forget_all(struct ref_memo *m)
{
    struct known *it, *next;
    HASH_ITER(hh, m->known, it, next)
    {
        HASH_DEL(m->known, it);
        free(it);
    }
}

static void
remember(struct listing *l, struct str name, const struct facts *now, const struct repo_id *commit)
{
    struct ref_memo *m = l->repo->ref_memo;
    struct known *found = NULL;
    if (now->modified.tv_sec >= l->settled_s || now->changed.tv_sec >= l->settled_s)
        return;
    pthread_mutex_lock(&m->lock);
    HASH_FIND(hh, m->known, name.p, name.n, found);
    if (found == NULL && HASH_COUNT(m->known) >= REPO_REFS_MAX)
        forget_all(m); /* of refs that are gone, mostly */
    if (found == NULL) {
        found = mem_alloc(sizeof(*found) + name.n);
        found->name_n = name.n;
        memcpy(found->name, name.p, name.n);
        HASH_ADD(hh, m->known, name, name.n, found);
    }
    found->facts = *now;
    found->commit = *commit;
    pthread_mutex_unlock(&m->lock);
}

struct ref_memo *ref_memo_new(void)
{
    struct ref_memo *m = mem_new(struct ref_memo);
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

struct ref_memo *ref_memo_free(struct ref_memo *m)
{
    if (m == NULL)
        return NULL;
    forget_all(m);
    pthread_mutex_destroy(&m->lock);
    free(m);
    return NULL;
}

/* --- one ref ------------------------------------------------------------------------------------------ */

static enum err_kind add(struct listing *l, struct str name, const struct repo_id *commit)
{
    if (!str_starts(name, l->prefix))
        return ERR_OK;
    if (l->refs.count == REPO_REFS_MAX)
        return err_set(
            l->err, ERR_LIMIT, "'%s' has more than %d such refs", repo_display_url(l->repo),
            REPO_REFS_MAX);
    mem_grow(&l->refs.items, l->refs.count, &l->cap);
    l->refs.items[l->refs.count++] = (struct repo_ref){mem_strdup_str(name), *commit};
    return ERR_OK;
}

static bool is_commit(struct listing *l, const struct repo_id *id)
{
    git_oid oid = repo_to_oid(id);
    size_t size;
    git_object_t type;
    return git_odb_read_header(&size, &type, l->repo->odb, &oid) == 0 && type == GIT_OBJECT_COMMIT;
}

/* A ref that was deleted meanwhile, or that points to no commit, is passed over. */
static enum err_kind add_by_libgit2(struct listing *l, struct str name)
{
    autofree char *text = mem_strdup_str(name);
    struct repo_id commit;
    struct err own = {0};
    enum err_kind r = repo_ref_read_with(l->repo, l->git, text, &commit, &own);
    if (r == ERR_OK)
        return add(l, name, &commit);
    if (r == ERR_NOT_FOUND || r == ERR_INVALID)
        return ERR_OK;
    *l->err = own;
    return r;
}

static enum err_kind add_id(struct listing *l, struct str name, struct str hex, bool *ret_is_plain)
{
    struct repo_id id;
    *ret_is_plain = repo_id_parse(hex, &id, NULL) == ERR_OK && is_commit(l, &id);
    return *ret_is_plain ? add(l, name, &id) : add_by_libgit2(l, name);
}

/* --- loose ones --------------------------------------------------------------------------------------- */

/* 40 digits and a line break; anything else is not for us. */
static bool read_hex(int dir, const char *file, char ret_hex[REPO_ID_HEX], struct facts *ret)
{
    char text[REPO_ID_HEX + 2];
    struct stat st;
    autoclose int fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    ssize_t n = read(fd, text, sizeof(text));
    if (n != REPO_ID_HEX + 1 || text[REPO_ID_HEX] != '\n')
        return false;
    memcpy(ret_hex, text, REPO_ID_HEX);
    *ret = facts_of(&st);
    return true;
}

static enum err_kind
add_file(struct listing *l, int dir, const char *file, const struct stat *st, struct str name)
{
    char hex[REPO_ID_HEX];
    struct facts facts = facts_of(st);
    struct repo_id commit;
    bool is_plain = false;
    if (str_ends(name, STR(".lock")) || repo_check_ref_name(name, NULL) != ERR_OK)
        return ERR_OK;
    if (recall(l, name, &facts, &commit))
        return add(l, name, &commit);
    if (!read_hex(dir, file, hex, &facts))
        return add_by_libgit2(l, name);
    enum err_kind r = add_id(l, name, str_of(hex, sizeof(hex)), &is_plain);
    if (r == ERR_OK && is_plain && str_starts(name, l->prefix))
        remember(l, name, &facts, &l->refs.items[l->refs.count - 1].commit);
    return r;
}

static enum err_kind
add_dir(struct listing *l, int at, const char *name, struct buf *path, int depth);

static enum err_kind
add_entry(struct listing *l, int dir, const char *file, struct buf *path, int depth)
{
    struct stat st;
    size_t back = path->n;
    enum err_kind r = ERR_OK;
    if (file[0] == '.' || fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return ERR_OK;
    buf_text(path, file);
    if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
        buf_char(path, '/');
        r = add_dir(l, dir, file, path, depth + 1);
    } else if (!S_ISDIR(st.st_mode)) {
        r = add_file(l, dir, file, &st, buf_view(path));
    }
    path->n = back;
    return r;
}

/* `path` ends with "/". A directory that is not there has no refs. */
static enum err_kind
add_dir(struct listing *l, int at, const char *name, struct buf *path, int depth)
{
    enum err_kind r = ERR_OK;
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return ERR_OK;
    }
    for (struct dirent *e; r == ERR_OK && (e = readdir(dir)) != NULL;)
        r = add_entry(l, fd, e->d_name, path, depth);
    closedir(dir);
    return r;
}

/* --- packed ones ---------------------------------------------------------------------------------------- */

static int cmp_refs(const void *a, const void *b)
{
    return strcmp(((const struct repo_ref *)a)->name, ((const struct repo_ref *)b)->name);
}

static bool is_listed(const struct repo_ref *loose, size_t count, struct str name)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(str_from(loose[middle].name), name);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static enum err_kind add_packed(struct listing *l, struct str text)
{
    size_t loose = l->refs.count;
    enum err_kind r = ERR_OK;
    if (loose > 1)
        qsort(l->refs.items, loose, sizeof(*l->refs.items), cmp_refs);
    while (r == ERR_OK && text.n > 0) {
        struct str line = str_cut(&text, '\n');
        struct str name = str_skip(line, REPO_ID_HEX + 1 < line.n ? REPO_ID_HEX + 1 : line.n);
        bool is_plain;
        if (str_starts(name, l->prefix) && line.p[REPO_ID_HEX] == ' ' &&
            !is_listed(l->refs.items, loose, name))
            r = add_id(l, name, str_take(line, REPO_ID_HEX), &is_plain);
    }
    return r;
}

/* Loose ones first: who packs refs writes them there before he removes the files. */
static enum err_kind list(struct listing *l)
{
    struct str below = str_take(l->prefix, (size_t)(str_rfind(l->prefix, '/') + 1));
    const char *dir = git_repository_commondir(l->git);
    autobuf struct buf path = {0};
    autobuf struct buf packed = {0};
    autofree char *refs = mem_printf("%s" STR_FMT, dir, STR_ARG(below));
    autofree char *file = mem_printf("%spacked-refs", dir);
    buf_str(&path, below);
    enum err_kind r = add_dir(l, AT_FDCWD, refs, &path, 0);
    if (r != ERR_OK)
        return r;
    r = fs_read_file(file, PACKED_BYTES_MAX, &packed, l->err);
    if (r == ERR_NOT_FOUND)
        return ERR_OK;
    return r == ERR_OK ? add_packed(l, buf_view(&packed)) : r;
}

enum err_kind
repo_ref_list(struct repo *r, const char *prefix, struct repo_refs *ret, struct err *err)
{
    auto_call struct repo_call call = {.repo = r};
    struct err own = {0};
    struct listing l = {
        .repo = r,
        .settled_s = clock_unix_ms() / 1000 - SETTLED_S,
        .prefix = str_from(prefix),
        .err = &own};
    enum err_kind kind = repo_borrow(r, &call.git, &own);
    l.git = call.git;
    if (kind == ERR_OK)
        kind = list(&l);
    if (kind != ERR_OK) {
        repo_refs_deinit(&l.refs);
        if (err != NULL)
            *err = own;
        return kind;
    }
    if (l.refs.count > 1)
        qsort(l.refs.items, l.refs.count, sizeof(*l.refs.items), cmp_refs);
    *ret = l.refs;
    return ERR_OK;
}

void repo_refs_deinit(struct repo_refs *refs)
{
    for (size_t i = 0; i < refs->count; i++)
        free(refs->items[i].name);
    free(refs->items);
    *refs = (struct repo_refs){0};
}
