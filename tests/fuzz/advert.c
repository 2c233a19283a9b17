/* What a remote says of itself and its refs, in pkt-lines: whole and in small pieces, which must say the
 * same. The first byte: is it over HTTP? */
#include "fuzz.h"
#include "repo/internal.h"
#include "repo/wire.h"

static bool is_wanted(const void *data, struct str name)
{
    (void)data;
    return name.n % 3 != 0;
}

static enum err_kind
take(struct str text, size_t piece, bool is_over_http, struct wire_advert *ret, struct err *err)
{
    const struct wire_filter filter = {.is_wanted = is_wanted};
    struct wire_advert_reader state = {
        .advert = ret, .filter = &filter, .is_over_http = is_over_http};
    auto_wire_reader struct wire_reader reader = {.take = wire_advert_take, .data = &state};
    enum err_kind kind = ERR_OK;
    for (; kind == ERR_OK && text.n > 0; text = str_skip(text, piece))
        kind = wire_reader_feed(&reader, str_take(text, piece), err);
    return kind == ERR_OK ? wire_reader_finish(&reader, err) : kind;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    auto_advert struct wire_advert whole = {0};
    auto_advert struct wire_advert pieces = {0};
    struct err err = {0};
    git_libgit2_init(); /* as repo_open does; names of refs are its to judge */
    if (n == 0)
        return 0;
    struct str text = str_of((const char *)data + 1, n - 1);
    enum err_kind kind = take(text, n, data[0] & 1, &whole, &err);
    HOLDS(kind == ERR_OK || kind == ERR_FAILED || kind == ERR_LIMIT || kind == ERR_UNAVAILABLE);
    HOLDS((kind == ERR_OK) == (err.text[0] == '\0'));
    for (const char *p = err.text; *p != '\0'; p++)
        HOLDS((unsigned char)*p >= 0x20 && *p != 0x7f);
    HOLDS(take(text, 3, data[0] & 1, &pieces, NULL) == kind);
    HOLDS(whole.version == pieces.version && whole.refs.count == pieces.refs.count);
    for (size_t i = 0; i < whole.refs.count; i++)
        HOLDS(
            strncmp(whole.refs.items[i].name, "refs/", 5) == 0 ||
            strcmp(whole.refs.items[i].name, "HEAD") == 0);
    return 0;
}
