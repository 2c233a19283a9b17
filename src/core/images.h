/*
 * Images of controllers for the loader: resolve by pull policy, bring into the store, compile.
 */
#pragma once

#include "core/config.h"
#include "core/core.h"
#include "oci/image.h"
#include "oci/trust.h"
#include "wasmhost/wasmhost.h"

struct core_images; /* one thread at a time */

/* The options of core_new that concern images; the rest is not looked at. */
struct core_images *core_images_new(const struct core_options *options, struct wasmhost *host);
struct core_images *core_images_free(struct core_images *i);

/* Can the trust policy be used? Asked before anything is loaded; INVALID, NOT_FOUND. */
enum err_kind core_images_check_policy(struct core_images *i, struct err *err) MUST_USE;

/* One image that is to be loaded, and what came of it. */
struct core_image_load {
    const struct core_image_spec *spec; /* borrowed */
    /* Of the load; its text names the reference. As oci_pull and wasmhost_load; NOT_FOUND where the policy
     * does not let us pull; CANCELLED: not tried, since one before it failed. All below is set where it is
     * OK. */
    struct err err;
    struct oci_image image;
    /* What the trust policy and the Controller's own keys, which must both hold, say of the digest that is
     * loaded; err is UNVERIFIED where they do not, or where a signature is required and neither wants one.
     * A copy in the store that is not verified is brought anew, where it may be. */
    struct oci_verdict verdict;
    struct wasmhost_module *module; /* with a reference */
};
void core_image_load_deinit(struct core_image_load *l);

/* All of them, some at a time. `note` of the options is called on several threads. */
void core_images_load(struct core_images *i, struct core_image_load *loads, size_t count);
