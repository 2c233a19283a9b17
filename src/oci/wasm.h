/*
 * A look into a WebAssembly binary: is it a core module that a controller can be (docs/image-format.md
 * sections 1 and 4)? Sections, imports and exports only; that the code is valid is the engine's.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

/*
 * INVALID, naming the reason: not a WebAssembly binary, a component, an import outside
 * wasi_snapshot_preview1, no function `_start` or no memory `memory` exported, torn sections.
 * source: WebAssembly core specification 2.0, "Binary format: modules"
 */
enum err_kind oci_wasm_check(struct str module, struct err *err) MUST_USE;
