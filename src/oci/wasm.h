/*
 * A look into a WebAssembly binary as its bytes stream by: is it a core module that a controller can be
 * (docs/image-format.md sections 1 and 4), and what does it import and export? Only the sections that say
 * so are held, each at most OCI_WASM_SECTION_MAX; that the code is valid is the engine's to say.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#define OCI_WASM_SECTION_MAX ((size_t)1 << 20) /* import, memory and export section, each */
#define OCI_WASM_NAMES_MAX 10000               /* imports; exports */

/* What a module says of itself; texts are fit for a terminal. */
struct oci_wasm_info {
    char **imports; /* "wasi_snapshot_preview1.fd_write", in the module's order */
    size_t import_count;
    char **exports; /* "func _start", "memory memory" */
    size_t export_count;
    uint64_t memory_min_pages; /* of 64 KiB */
    uint64_t memory_max_pages; /* UINT64_MAX: none is given */
};
void oci_wasm_info_deinit(struct oci_wasm_info *info);
#define auto_oci_wasm_info CLEANUP(oci_wasm_info_deinit)

struct oci_wasm_reader;
struct oci_wasm_reader *oci_wasm_reader_new(void);
/*
 * The next bytes of the module, in pieces of any size.
 *
 * fails   INVALID naming the reason: not a WebAssembly binary, a component, an import that is no function
 *         of wasi_snapshot_preview1, a shared or 64-bit memory, a torn section
 *         LIMIT    a section or list above the limits above
 * source  WebAssembly core specification 2.0, "Binary format: modules"
 */
enum err_kind
oci_wasm_add(struct oci_wasm_reader *w, const char *p, size_t n, struct err *err) MUST_USE;
/* After the last byte. INVALID also: it is cut, it exports no function `_start` or no memory `memory`.
 * ret_info (may be NULL) is the caller's. */
enum err_kind
oci_wasm_end(struct oci_wasm_reader *w, struct oci_wasm_info *ret_info, struct err *err) MUST_USE;
struct oci_wasm_reader *oci_wasm_reader_free(struct oci_wasm_reader *w);
DEFINE_CLEANUP(struct oci_wasm_reader, oci_wasm_reader_free)

/* A whole module at once. */
enum err_kind
oci_wasm_check(struct str module, struct oci_wasm_info *ret_info, struct err *err) MUST_USE;
