/* The functions of wasi_snapshot_preview1: what a controller may import. Internal to wasm.c. */
#pragma once

#include "base/str.h"

#define WASI_MODULE "wasi_snapshot_preview1"

bool wasi_name_is_known(struct str name);
/* All of them, sorted; NULL behind the last one. */
const char *wasi_name_at(size_t i);
