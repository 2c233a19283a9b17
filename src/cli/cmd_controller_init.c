/* cup controller init: a controller that builds as it stands. */
#include "base/fs.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/run.h"
#include "cli/scaffold.h"
#include "json/json.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>

#define KIND_MAX 63
#define NAME_MAX_BYTES 63

struct init_options {
    const char *name;
    const char *kind;
    const char *group;
};

/* What the words of the templates stand for. */
struct words {
    char *name;
    char *kind;
    char *singular;
    char *plural;
    char *group;
};

static void words_deinit(struct words *w)
{
    free(w->name);
    free(w->kind);
    free(w->singular);
    free(w->plural);
    free(w->group);
}
#define auto_words CLEANUP(words_deinit)

/* --- names ----------------------------------------------------------------------------------------------- */

/* The directory's own name; "." and "a/.." have one as well. */
static char *name_of_dir(const char *dir)
{
    char real[PATH_MAX];
    struct str path = str_from(realpath(dir, real) == NULL ? dir : real);
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    return mem_strdup_str(str_skip(path, (size_t)(str_rfind(path, '/') + 1)));
}

static enum err_kind check_kind(const char *kind, struct err *err)
{
    size_t n = strlen(kind);
    bool is_good = n > 0 && n <= KIND_MAX && kind[0] >= 'A' && kind[0] <= 'Z';
    for (size_t i = 0; i < n; i++)
        is_good &= (kind[i] >= 'A' && kind[i] <= 'Z') || (kind[i] >= 'a' && kind[i] <= 'z') ||
            (kind[i] >= '0' && kind[i] <= '9');
    return is_good
        ? ERR_OK
        : err_set(
              err, ERR_USAGE,
              "'%s' is no kind: letters and digits, the first a capital, like FeatureFlag", kind);
}

/* docs/image-format.md section 1: what pack takes for a controller's name; for groups as well. */
static enum err_kind check_name(const char *what, const char *name, struct err *err)
{
    size_t n = strlen(name);
    bool is_good = n > 0 && n <= NAME_MAX_BYTES;
    for (size_t i = 0; i < n; i++) {
        bool is_inner = name[i] == '-' || name[i] == '.';
        bool is_end = i == 0 || i + 1 == n;
        is_good &= (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') ||
            (is_inner && !is_end);
    }
    return is_good
        ? ERR_OK
        : err_set(
              err, ERR_USAGE, "'%s' is no %s: a-z, 0-9, '-' and '.' between them, at most %d", name,
              what, NAME_MAX_BYTES);
}

static char *lower(const char *text)
{
    char *copy = mem_strdup(text);
    for (char *p = copy; *p != '\0'; p++)
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
    return copy;
}

/* "policy" → "policies", "box" → "boxes", "flag" → "flags". */
static char *plural_of(const char *singular)
{
    struct str s = str_from(singular);
    if (s.n > 1 && s.p[s.n - 1] == 'y' && strchr("aeiou", s.p[s.n - 2]) == NULL)
        return mem_printf(STR_FMT "ies", STR_ARG(str_take(s, s.n - 1)));
    bool hisses = str_ends(s, STR("s")) || str_ends(s, STR("x")) || str_ends(s, STR("ch")) ||
        str_ends(s, STR("sh"));
    return mem_printf("%s%s", singular, hisses ? "es" : "s");
}

static enum err_kind
choose_words(const char *dir, const struct init_options *o, struct words *w, struct err *err)
{
    w->name = o->name == NULL ? name_of_dir(dir) : mem_strdup(o->name);
    w->kind = mem_strdup(o->kind == NULL ? "Note" : o->kind);
    w->group = mem_strdup(o->group == NULL ? "example.com" : o->group);
    enum err_kind r = check_kind(w->kind, err);
    if (r != ERR_OK)
        return r;
    w->singular = lower(w->kind);
    w->plural = plural_of(w->singular);
    r = check_name("name of a controller (--name)", w->name, err);
    return r == ERR_OK ? check_name("group (--group)", w->group, err) : r;
}

/* --- files ----------------------------------------------------------------------------------------------- */

/* Append `text` with the words put in. */
static void fill_in(struct buf *to, struct str text, const struct words *w)
{
    const struct {
        struct str word;
        const char *value;
    } rows[] = {
        {STR("__NAME__"), w->name},         {STR("__KIND__"), w->kind},
        {STR("__SINGULAR__"), w->singular}, {STR("__PLURAL__"), w->plural},
        {STR("__GROUP__"), w->group},
    };
    while (text.n > 0) {
        size_t taken = 0;
        for (size_t i = 0; taken == 0 && i < ARRAY_LEN(rows); i++) {
            if (!str_starts(text, rows[i].word))
                continue;
            buf_text(to, rows[i].value);
            taken = rows[i].word.n;
        }
        if (taken == 0)
            buf_char(to, text.p[0]);
        text = str_skip(text, taken == 0 ? 1 : taken);
    }
}

static char *path_of(const char *dir, const struct cli_scaffold_file *file, const struct words *w)
{
    autobuf struct buf path = {0};
    buf_printf(&path, "%s/", dir);
    fill_in(&path, str_from(file->path), w);
    return buf_steal(&path);
}

/* Nothing of the user's is overwritten: asked of all files before the first is written. */
static enum err_kind check_free(const char *dir, const struct words *w, struct err *err)
{
    for (const struct cli_scaffold_file *f = cli_scaffold_files; f->path != NULL; f++) {
        autofree char *path = path_of(dir, f, w);
        if (fs_exists(path))
            return err_set(err, ERR_EXISTS, "'%s' is there already: nothing is written", path);
    }
    return ERR_OK;
}

static enum err_kind write_file(
    const char *dir, const struct cli_scaffold_file *file, const struct words *w, struct err *err)
{
    autofree char *path = path_of(dir, file, w);
    autofree char *folder =
        mem_strdup_str(str_take(str_from(path), (size_t)str_rfind(str_from(path), '/')));
    struct str text = str_of(file->start, (size_t)(file->end - file->start));
    autobuf struct buf filled = {0};
    if (file->is_template) {
        fill_in(&filled, text, w);
        text = buf_view(&filled);
    }
    enum err_kind r = fs_make_dirs(folder, 0777, err);
    return r == ERR_OK ? fs_write_atomic(path, text, 0644, err) : r;
}

static enum err_kind tell(struct cli *c, const char *dir, const struct words *w, struct err *err)
{
    if (cli_output_is_document(c)) {
        autobuf struct buf text = {0};
        buf_text(&text, "{\"directory\":");
        json_text_string(&text, str_from(dir));
        buf_printf(
            &text,
            ",\"name\":\"%s\",\"group\":\"%s\",\"version\":\"v1alpha1\",\"kind\":\"%s\",\"plural\":"
            "\"%s\"}",
            w->name, w->group, w->kind, w->plural);
        return cli_print_document(c, buf_view(&text), err);
    }
    cli_note(
        c, "made '%s': controller '%s' of kind %s (%s.%s)", dir, w->name, w->kind, w->plural,
        w->group);
    cli_note(c, "next: cup controller build %s && cup controller test %s", dir, dir);
    return ERR_OK;
}

static enum err_kind run(struct cli *c, const void *options, struct err *err)
{
    auto_words struct words w = {0};
    enum err_kind r = cli_check_args(c, 1, 1, "a directory", err);
    if (r != ERR_OK)
        return r;
    const char *dir = c->args.items[0];
    r = choose_words(dir, options, &w, err);
    if (r == ERR_OK)
        r = check_free(dir, &w, err);
    for (const struct cli_scaffold_file *f = cli_scaffold_files; r == ERR_OK && f->path != NULL;
         f++)
        r = write_file(dir, f, &w, err);
    return r == ERR_OK ? tell(c, dir, &w, err) : r;
}

#define AT(member) offsetof(struct init_options, member)
static const struct cli_option rows[] = {
    {"name", 0, CLI_OPTION_TEXT, "NAME", "the controller's name (the directory's)", AT(name)},
    {"kind", 0, CLI_OPTION_TEXT, "KIND", "the kind that it serves (Note)", AT(kind)},
    {"group", 0, CLI_OPTION_TEXT, "GROUP", "the kind's group (example.com)", AT(group)},
    {0},
};

const struct cli_command cmd_controller_init = {
    .name = "init",
    .summary = "Make a new controller in C",
    .usage = "DIR",
    .details =
        "Writes a controller that builds and passes its tests as it stands: main.c, a definition,\n"
        "golden cases, a Makefile, and in sdk/ all that it links. Overwrites nothing.\n",
    .options = rows,
    .options_bytes = sizeof(struct init_options),
    .run = run,
};
