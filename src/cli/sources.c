#include "cli/sources.h"
#include "base/fs.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>

void cli_sources_deinit(struct cli_sources *s)
{
    free(s->wasm);
    for (size_t i = 0; i < s->count; i++)
        free(s->definitions[i]);
    free(s->definitions);
}

void cli_sources_add(struct cli_sources *s, char *take_definition_path)
{
    mem_grow(&s->definitions, s->count, &s->cap);
    s->definitions[s->count++] = take_definition_path;
}

static enum err_kind
take_file(const char *dir, const char *name, struct cli_sources *s, struct err *err)
{
    if (name[0] == '.')
        return ERR_OK;
    if (str_ends(str_from(name), STR(".json"))) {
        cli_sources_add(s, fs_join(dir, name));
    } else if (str_ends(str_from(name), STR(".wasm"))) {
        if (s->wasm != NULL)
            return err_set(
                err, ERR_USAGE,
                "directory '%s' holds more than one .wasm file: name one with "
                "--wasm and the definitions with --definition",
                dir);
        s->wasm = fs_join(dir, name);
    }
    return ERR_OK;
}

enum err_kind cli_sources_read(const char *dir, struct cli_sources *s, struct err *err)
{
    struct dirent **entries = NULL;
    int count = scandir(dir, &entries, NULL, alphasort);
    if (count < 0)
        return err_errno(err, errno, "directory '%s'", dir);
    enum err_kind r = ERR_OK;
    for (int i = 0; i < count; i++) {
        if (r == ERR_OK)
            r = take_file(dir, entries[i]->d_name, s, err);
        free(entries[i]);
    }
    free(entries);
    if (r == ERR_OK && s->wasm == NULL)
        r = err_set(err, ERR_NOT_FOUND, "directory '%s' holds no .wasm file", dir);
    return r;
}
