#include "repo/internal.h"

#include <git2/sys/path.h>

#define SEGMENT_BYTES_MAX 255
#define PATH_BYTES_MAX 4096

/* Code points that HFS+ ignores when it compares names (libgit2's and git's utf8.c list the same):
 * U+200C-F, U+202A-E, U+206A-F, U+FEFF. All are three bytes of UTF-8. */
static bool is_ignored_by_hfs(struct str at)
{
    if (at.n < 3)
        return false;
    const unsigned char *b = (const unsigned char *)at.p;
    unsigned code = (b[0] & 0x0fu) << 12 | (b[1] & 0x3fu) << 6 | (b[2] & 0x3fu);
    if ((b[0] & 0xf0u) != 0xe0u)
        return false;
    return (code >= 0x200c && code <= 0x200f) || (code >= 0x202a && code <= 0x202e) ||
        (code >= 0x206a && code <= 0x206f) || code == 0xfeff;
}

/* Does HFS+ take the name for `wanted` (lower case)? */
static bool is_hfs_name(struct str name, struct str wanted)
{
    while (name.n > 0) {
        if (is_ignored_by_hfs(name)) {
            name = str_skip(name, 3);
            continue;
        }
        if (wanted.n == 0 || !str_eq_nocase(str_take(name, 1), str_take(wanted, 1)))
            return false;
        name = str_skip(name, 1);
        wanted = str_skip(wanted, 1);
    }
    return wanted.n == 0;
}

/* What NTFS makes of a name: no stream behind ":", no dots and blanks at the end. */
static struct str ntfs_name(struct str name)
{
    ptrdiff_t colon = str_find(name, ':');
    if (colon >= 0)
        name = str_take(name, (size_t)colon);
    while (name.n > 0 && (name.p[name.n - 1] == '.' || name.p[name.n - 1] == ' '))
        name.n--;
    return name;
}

static bool is_dot_git(struct str name)
{
    struct str ntfs = ntfs_name(name);
    return is_hfs_name(name, STR(".git")) || str_eq_nocase(ntfs, STR(".git")) ||
        str_eq_nocase(ntfs, STR("git~1"));
}

/* What is wrong with one segment, NULL when nothing is. */
static const char *fault_of(struct str name)
{
    if (name.n == 0)
        return "it has an empty segment";
    if (str_eqz(name, ".") || str_eqz(name, ".."))
        return "'.' and '..' are no names";
    if (name.n > SEGMENT_BYTES_MAX)
        return "a segment is longer than 255 bytes";
    if (!str_is_utf8(name))
        return "it is not UTF-8";
    for (size_t i = 0; i < name.n; i++) {
        if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
            return "it holds control characters";
        /* a separator on Windows: 'x\..\.git\config' would be checked out into .git there */
        if (name.p[i] == '\\')
            return "it holds a backslash";
    }
    if (is_dot_git(name))
        return "it reaches into '.git'";
    if (name.p[name.n - 1] == '.' || name.p[name.n - 1] == ' ')
        return "a segment ends in a dot or blank";
    return NULL;
}

/* Paths come from controllers and clients. */
void repo_path_shown(struct str path, char *ret, size_t ret_bytes)
{
    bool is_text = path.n < ret_bytes && str_is_utf8(path);
    size_t n = 0;
    for (size_t i = 0; i < path.n && n + 1 < ret_bytes; i++) {
        unsigned char c = (unsigned char)path.p[i];
        bool is_plain = c >= 0x20 && c != 0x7f && (c < 0x80 || is_text);
        ret[n++] = is_plain ? (char)c : '?';
    }
    ret[n] = '\0';
}

enum err_kind repo_check_path(struct str path, struct err *err)
{
    const char *fault = NULL;
    if (path.n == 0)
        fault = "it is empty";
    else if (path.n > PATH_BYTES_MAX)
        fault = "it is longer than 4096 bytes";
    struct str rest = path;
    while (fault == NULL && rest.p != NULL)
        fault = fault_of(str_cut(&rest, '/'));
    if (fault == NULL)
        return ERR_OK;
    char shown[200];
    repo_path_shown(path, shown, sizeof(shown));
    return err_set(err, ERR_INVALID, "path '%s' is not allowed: %s", shown, fault);
}

enum err_kind repo_check_link(struct str path, struct err *err)
{
    static const git_path_gitfile files[] = {
        GIT_PATH_GITFILE_GITIGNORE, GIT_PATH_GITFILE_GITMODULES, GIT_PATH_GITFILE_GITATTRIBUTES};
    struct str name = str_skip(path, (size_t)(str_rfind(path, '/') + 1));
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (git_path_is_gitfile(name.p, name.n, files[i], GIT_PATH_FS_GENERIC) == 1)
            return err_set(
                err, ERR_INVALID, "path '" STR_FMT "' is not allowed: this file must not be a link",
                STR_ARG(path));
    return ERR_OK;
}
