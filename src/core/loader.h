/*
 * From configuration to what is served: reads the resource directory, brings the images, makes the
 * controllers, binds definitions to them. All or nothing.
 */
#pragma once

#include "core/registry.h"
#include "wasmhost/wasmhost.h"

enum err_kind core_load(
    struct wasmhost *host,
    const struct core_options *options,
    struct core_registry **ret,
    struct err *err) MUST_USE;
