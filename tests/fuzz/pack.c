/* A pack, as a remote sends it: looked at whole and in small pieces, which must say the same. */
#include "fuzz.h"
#include "repo/pack_scan.h"

static enum err_kind scan(struct str pack, size_t piece, struct err *err)
{
    static const struct pack_limits limits = {
        .pack_bytes = 1 << 20, .objects = 1000, .blob_bytes = 1 << 20, .object_bytes = 1 << 16};
    auto_pack_scan struct pack_scan *s = pack_scan_new(&limits);
    enum err_kind kind = ERR_OK;
    for (; kind == ERR_OK && pack.n > 0; pack = str_skip(pack, piece))
        kind = pack_scan_add(s, str_take(pack, piece), err);
    HOLDS(pack_scan_objects(s) <= limits.objects || kind == ERR_LIMIT);
    return kind == ERR_OK ? pack_scan_finish(s, err) : kind;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct str pack = str_of((const char *)data, n);
    struct err err = {0};
    enum err_kind kind = scan(pack, 1 << 20, &err);
    HOLDS(kind == ERR_OK || kind == ERR_FAILED || kind == ERR_LIMIT);
    HOLDS((kind == ERR_OK) == (err.text[0] == '\0'));
    HOLDS(scan(pack, 3, NULL) == kind);
    return 0;
}
