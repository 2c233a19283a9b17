/*
 * The spec of a Controller resource: template or wasm, and for wasm where the module comes from and what
 * it may use (docs/image-format.md section 3).
 */
#pragma once

#include "core/config.h"

/* INVALID / MALFORMED / UNSUPPORTED name the member and, where there is one, the right way. */
enum err_kind core_controller_spec_parse(
    const struct core_resource *r, struct core_controller_spec *ret, struct err *err) MUST_USE;
void core_controller_spec_deinit(struct core_controller_spec *s);
