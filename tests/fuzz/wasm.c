/* oci_wasm_*: in pieces the verdict is the same as at once. The first byte says how large the pieces are. */
#include "oci/wasm.h"
#include "fuzz.h"

static enum err_kind read_in(struct str module, size_t piece, struct err *err)
{
    autorelease(oci_wasm_reader_free) struct oci_wasm_reader *w = oci_wasm_reader_new();
    enum err_kind r = ERR_OK;
    while (r == ERR_OK && module.n > 0) {
        struct str part = str_take(module, piece);
        module = str_skip(module, piece);
        r = oci_wasm_add(w, part.p, part.n, err);
    }
    return r == ERR_OK ? oci_wasm_end(w, NULL, err) : r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    auto_oci_wasm_info struct oci_wasm_info info = {0};
    struct err whole = {0}, pieces = {0};
    if (n == 0)
        return 0;
    struct str module = str_of((const char *)data + 1, n - 1);
    enum err_kind r = oci_wasm_check(module, &info, &whole);
    HOLDS(r == ERR_OK || r == ERR_INVALID || r == ERR_LIMIT);
    HOLDS(read_in(module, (size_t)data[0] + 1, &pieces) == r);
    HOLDS(strcmp(whole.text, pieces.text) == 0);
    HOLDS((r == ERR_OK) == (whole.text[0] == '\0'));
    return 0;
}
